// The last net. After an update of the appliance an open page may ask for files that are gone; reloading cures it.
import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button';
import { AlertIcon } from '../ui/icons';
import { Empty } from '../ui/small';

const RELOADED_KEY = 'strongroom.reloaded-at';
const ONCE_PER_MS = 60_000;

export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: unknown): void {
    const isMissingFile = error instanceof TypeError && /module|import/i.test(error.message);
    if (isMissingFile && mayReload()) location.reload();
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <main id="main" data-testid="problem">
        <Empty art={<AlertIcon size={40} />} title="This page has stopped working">
          <p>Nothing you uploaded is lost. Reload the page; if it happens again, tell your administrator what you were doing.</p>
          <Button look="primary" onClick={() => location.reload()}>Reload</Button>
        </Empty>
      </main>
    );
  }
}

// A file that stays missing must not make the page reload for ever.
function mayReload(): boolean {
  try {
    const last = Number(sessionStorage.getItem(RELOADED_KEY) ?? 0);
    sessionStorage.setItem(RELOADED_KEY, String(Date.now()));
    return Date.now() - last > ONCE_PER_MS;
  } catch {
    return false;
  }
}
