// Buttons. An icon button must be given a name; its tooltip says the same, with the key that does the same.
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';

type Base = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className'>;

interface ButtonProps extends Base {
  look?: 'primary' | 'secondary' | 'quiet' | 'danger';
  small?: boolean;
  wide?: boolean;
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ look = 'secondary', small, wide, busy, disabled, children, type = 'button', ...rest }: ButtonProps) {
  const names = ['button', `button-${look}`, small && 'button-small', wide && 'button-wide'];
  return (
    <button {...rest} type={type} className={names.filter(Boolean).join(' ')} disabled={disabled || busy} aria-busy={busy || undefined}>
      {children}
    </button>
  );
}

interface IconButtonProps extends Base {
  label: string;
  shortcut?: string;
  small?: boolean;
  children: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

export function IconButton({ label, shortcut, small, children, type = 'button', ...rest }: IconButtonProps) {
  return (
    <button
      {...rest} type={type} className={`button button-quiet button-icon${small ? ' button-small' : ''}`}
      aria-label={label} title={shortcut ? `${label} (${shortcut})` : label}
    >
      {children}
    </button>
  );
}
