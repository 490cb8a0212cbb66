// Labelled inputs. The label is always visible; hints and errors are tied to the input for screen readers.
import { useId, useState, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes } from 'react';
import { Button } from './button';

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: ReactNode;
  'data-testid'?: string;
}

export function Field({ label, hint, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>{label}</label>
      <input {...input} id={id} className="input" data-autofocus={input.autoFocus || undefined} aria-describedby={hint ? `${id}-hint` : undefined} />
      {hint && <div className="field-hint" id={`${id}-hint`}>{hint}</div>}
    </div>
  );
}

export function PasswordField({ label, hint, ...input }: FieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>{label}</label>
      <div className="input-with-button">
        <input
          {...input} id={id} className="input" type={shown ? 'text' : 'password'} spellCheck={false}
          autoCapitalize="none" autoCorrect="off" aria-describedby={hint ? `${id}-hint` : undefined}
        />
        <Button look="quiet" small aria-pressed={shown} aria-label={shown ? 'Hide password' : 'Show password'} onClick={() => setShown(!shown)}>
          {shown ? 'Hide' : 'Show'}
        </Button>
      </div>
      {hint && <div className="field-hint" id={`${id}-hint`}>{hint}</div>}
    </div>
  );
}

interface SelectProps extends SelectHTMLAttributes<HTMLSelectElement> {
  label: string;
  hint?: ReactNode;
  hiddenLabel?: boolean;
}

export function SelectField({ label, hint, hiddenLabel, children, ...select }: SelectProps) {
  const id = useId();
  return (
    <div className="field">
      <label className={hiddenLabel ? 'visually-hidden' : 'field-label'} htmlFor={id}>{label}</label>
      <select {...select} id={id} className="input" data-autofocus={select.autoFocus || undefined} aria-describedby={hint ? `${id}-hint` : undefined}>{children}</select>
      {hint && <div className="field-hint" id={`${id}-hint`}>{hint}</div>}
    </div>
  );
}
