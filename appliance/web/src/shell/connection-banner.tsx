// Says that the live connection is gone, when it will be tried again, and lets people try now.
import { useEffect, useState, useSyncExternalStore } from 'react';
import { live } from '../state/services';
import { Button } from '../ui/button';
import { OfflineIcon } from '../ui/icons';

// A blink of the connection, as when a laptop wakes, is not worth a word.
const SILENT_MS = 1500;

export function ConnectionBanner() {
  const status = useSyncExternalStore((listener) => live.onStatus(listener), () => live.status);
  const lost = status.state === 'lost';
  const [shown, setShown] = useState(false);
  const [now, setNow] = useState(Date.now());

  useEffect(() => {
    if (!lost) {
      setShown(false);
      return;
    }
    const timer = setTimeout(() => setShown(true), SILENT_MS);
    return () => clearTimeout(timer);
  }, [lost]);

  useEffect(() => {
    if (!shown) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [shown]);

  if (!shown || status.state !== 'lost') return null;
  const seconds = Math.max(0, Math.ceil((status.retryAt - now) / 1000));
  return (
    <div className="banner" role="status" data-testid="connection-lost">
      <OfflineIcon />
      <span className="banner-text">
        Connection to the appliance lost. What you see may be out of date.
        <span className="muted" aria-hidden="true"> {seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying…'}</span>
      </span>
      <Button small onClick={() => live.retryNow()}>Try now</Button>
    </div>
  );
}
