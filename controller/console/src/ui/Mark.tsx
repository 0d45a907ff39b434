/** A fairlead: the ring that a rope is led through. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <path d="M16 25.5a9.5 9.5 0 0 1 -6.2 -16.7" stroke="#eaf5f4" strokeWidth="3" strokeLinecap="round" />
      <path d="M2 22c6 0 8-6 14-6s8-6 14-6" stroke="#e0a92e" strokeWidth="2.8" strokeLinecap="round" />
      <path d="M16 6.5a9.5 9.5 0 0 1 0 19" stroke="var(--fl-hull)" strokeWidth="5.5" />
      <path d="M16 6.5a9.5 9.5 0 0 1 0 19" stroke="#eaf5f4" strokeWidth="3" strokeLinecap="round" />
    </svg>
  );
}
