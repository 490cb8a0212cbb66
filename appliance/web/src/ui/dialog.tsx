// A modal on the browser's own <dialog>: focus is trapped, Escape closes, the page behind is inert, no library needed.
// (Common dialog libraries add <style> elements at run time, which the content security policy refuses.)
import { useEffect, useId, useRef, type ReactNode } from 'react';
import { IconButton } from './button';
import { CloseIcon } from './icons';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** A one-time password must not vanish by a stray click beside it. */
  keepOnOutsideClick?: boolean;
}

export function Dialog({ title, onClose, children, keepOnOutsideClick = false }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    // showModal() moves the focus to the first button; the field meant to be typed in takes it back.
    dialog?.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref} className="dialog" aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        if (event.target === ref.current && !keepOnOutsideClick) onClose();
      }}
    >
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        <IconButton label="Close" onClick={onClose}><CloseIcon /></IconButton>
      </div>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
