// The product's mark: a vault door that is also a play button.

export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false" className="mark">
      <rect x="1.5" y="1.5" width="29" height="29" rx="8" className="mark-door" />
      <g className="mark-lines" fill="none" strokeWidth="2" strokeLinecap="round">
        <circle cx="16" cy="16" r="8" />
        <path d="M16 4.800v3.200M16 24v3.200M4.8 16h3.200M24 16h3.2" />
      </g>
      <path d="M14 12.300v7.400a.5.5 0 0 0 .77.42l5.7-3.700a.5.5 0 0 0 0-.84l-5.7-3.700a.5.5 0 0 0-.77.42Z" className="mark-play" />
    </svg>
  );
}
