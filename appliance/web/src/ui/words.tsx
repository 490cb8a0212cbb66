// Sentences from the server. They come as programs write them (lower case, no full stop, backticks round literals);
// people read them as sentences.

export function asSentence(text: string): string {
  const trimmed = text.trim();
  // A literal at the beginning keeps its case.
  const upper = trimmed.startsWith('`') ? trimmed : trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return upper === '' || /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}

export function Words({ text }: { text: string }) {
  return <>{asSentence(text).split('`').map((part, index) => (index % 2 === 1 ? <code key={index} className="literal">{part}</code> : part))}</>;
}
