// The sheet of keys, and the switch that turns single keys off (some speech input types them by accident).
import { Dialog } from '../ui/dialog';
import { KEY_SHEET } from './keys';

interface KeysSheetProps {
  enabled: boolean;
  onEnabled: (enabled: boolean) => void;
  onClose: () => void;
}

export function KeysSheet({ enabled, onEnabled, onClose }: KeysSheetProps) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="keys" data-testid="keys">
        {KEY_SHEET.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.lines.map((line) => (
                <div key={line.what} className="keys-line">
                  <dt>{line.keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
                  <dd>{line.what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <label className="check"><input type="checkbox" checked={enabled} onChange={(event) => onEnabled(event.target.checked)} /> Single keys work in the player</label>
      </div>
    </Dialog>
  );
}
