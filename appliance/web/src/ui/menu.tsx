// A button that opens a menu: arrow keys, Home, End, Escape, Tab and a click elsewhere behave as people expect.
import { createContext, useContext, useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { CheckIcon } from './icons';

const Close = createContext<() => void>(() => undefined);

interface MenuProps {
  label: string;
  trigger: ReactNode;
  triggerClass: string;
  children: ReactNode;
  align?: 'start' | 'end';
  up?: boolean;
}

export function Menu({ label, trigger, triggerClass, children, align = 'start', up = false }: MenuProps) {
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const close = (refocus = true) => {
    setOpen(false);
    if (refocus) anchor.current?.querySelector('button')?.focus();
  };

  useEffect(() => {
    if (!open) return;
    const items = itemsOf(list.current);
    (items.find((item) => item.getAttribute('aria-checked') === 'true') ?? items[0])?.focus();
    const outside = (event: PointerEvent) => {
      if (!anchor.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    // A menu's keys are its own: the player must not step frames while one is open.
    event.stopPropagation();
    const items = itemsOf(list.current);
    const at = items.indexOf(document.activeElement as HTMLElement);
    const go = (index: number) => {
      event.preventDefault();
      items[(index + items.length) % items.length]?.focus();
    };
    if (event.key === 'ArrowDown') go(at + 1);
    else if (event.key === 'ArrowUp') go(at - 1);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(items.length - 1);
    else if (event.key === 'Tab') close(false);
    else if (event.key === 'Escape') {
      event.preventDefault();
      close();
    }
  };

  return (
    <div className="menu-anchor" ref={anchor} onKeyDown={onKeyDown}>
      <button
        type="button" className={triggerClass} aria-haspopup="menu" aria-expanded={open} aria-label={label} title={label}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' && !open) {
            event.preventDefault();
            event.stopPropagation();
            setOpen(true);
          }
        }}
      >
        {trigger}
      </button>
      {open && (
        <div className={`menu menu-${align}${up ? ' menu-up' : ''}`} role="menu" aria-label={label} ref={list}>
          <Close.Provider value={close}>{children}</Close.Provider>
        </div>
      )}
    </div>
  );
}

function itemsOf(list: HTMLElement | null): HTMLElement[] {
  return Array.from(list?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? []);
}

export function MenuItem({ icon, children, onSelect }: { icon?: ReactNode; children: ReactNode; onSelect: () => void }) {
  const close = useContext(Close);
  return (
    <button
      type="button" role="menuitem" tabIndex={-1} className="menu-item"
      onClick={() => {
        close();
        onSelect();
      }}
    >
      {icon}
      <span className="truncate">{children}</span>
    </button>
  );
}

export function MenuChoice({ checked, children, icon, onSelect }: { checked: boolean; children: ReactNode; icon?: ReactNode; onSelect: () => void }) {
  const close = useContext(Close);
  return (
    <button
      type="button" role="menuitemradio" aria-checked={checked} tabIndex={-1} className="menu-item"
      onClick={() => {
        close();
        onSelect();
      }}
    >
      {icon}
      <span className="truncate menu-text">{children}</span>
      {checked && <span className="menu-check"><CheckIcon size={16} /></span>}
    </button>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <div className="menu-label">{children}</div>;
}

export function MenuLine() {
  return <div className="menu-line" role="separator" />;
}
