// The drawing of the empty library: frames falling into a strongroom.

export function DropArt() {
  return (
    <svg width="168" height="104" viewBox="0 0 168 104" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <g opacity="0.45">
        <rect x="14" y="18" width="52" height="34" rx="4" transform="rotate(-7 40 35)" />
        <rect x="102" y="18" width="52" height="34" rx="4" transform="rotate(7 128 35)" />
        <path d="m116 42 8-8 6 6 5-4 7 7" transform="rotate(7 128 35)" />
        <path d="M26 35v4m5-9v14m5-18v22m5-16v10m5-14v18m5-10v4" transform="rotate(-7 40 35)" />
      </g>
      <rect x="54" y="8" width="60" height="40" rx="5" className="drop-art-frame" />
      <path d="M80 21.5v13l10-6.5z" />
      <path d="M84 56v18m0 0-6-6m6 6 6-6" />
      <path d="M40 74v14a6 6 0 0 0 6 6h76a6 6 0 0 0 6-6V74" />
    </svg>
  );
}
