// Small pieces without behaviour: meters, spinners, avatars, empty states.
import type { ReactNode } from 'react';

export function Meter({ value, label }: { value: number; label: string }) {
  const bounded = Math.min(1, Math.max(0, value));
  return (
    <div className="meter" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(bounded * 100)}>
      <div className="meter-fill" style={{ transform: `scaleX(${bounded})` }} />
    </div>
  );
}

export function Spinner({ label }: { label: string }) {
  return <div className="spinner" role="status" aria-label={label} />;
}

export function Avatar({ name }: { name: string }) {
  const initials = name.split(/\s+/).filter(Boolean).map((word) => word.charAt(0)).slice(0, 2).join('').toUpperCase();
  return <span className="avatar" aria-hidden="true">{initials || '?'}</span>;
}

export function Empty({ art, title, children }: { art: ReactNode; title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <div className="empty-art">{art}</div>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function PageSpinner() {
  return <div className="page-spinner"><Spinner label="Loading" /></div>;
}
