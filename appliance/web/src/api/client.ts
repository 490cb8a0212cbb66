// One way to call the server: JSON in, JSON out, every refusal an `ApiError` with a sentence and a remedy.
import type { ProblemDetails } from './types';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly remedy: string;
  readonly requestId: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(status: number, problem: Partial<ProblemDetails>, retryAfterSeconds: number | null = null) {
    super(problem.detail || problem.title || 'The appliance did not answer as expected.');
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.remedy = problem.remedy ?? '';
    this.requestId = problem.request_id ?? null;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The request never reached the server, or no answer came back. */
export function unreachable(): ApiError {
  return new ApiError(0, {
    code: 'network.unreachable',
    detail: 'The appliance cannot be reached.',
    remedy: 'Check the network cable or Wi-Fi, then try again.',
  });
}

type SessionLost = (error: ApiError) => void;
let onSessionLost: SessionLost = () => undefined;

/** Called once by the session provider: a 401, or a demand for a new password, concerns the whole app. */
export function whenSessionIsLost(handler: SessionLost): void {
  onSessionLost = handler;
}

// How far the appliance's clock is from this machine's. Sealed networks often have no time server.
let clockOffsetMs = 0;

export function serverNow(): number {
  return Date.now() + clockOffsetMs;
}

interface CallOptions {
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', 'X-Strongroom': '1', ...options.headers };
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(options.body);
  }
  if (options.signal) init.signal = options.signal;

  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw unreachable();
  }
  const told = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isFinite(told)) clockOffsetMs = told - Date.now();
  if (!response.ok) throw await refusal(response);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

async function refusal(response: Response): Promise<ApiError> {
  let problem: Partial<ProblemDetails> = {};
  try {
    problem = (await response.json()) as Partial<ProblemDetails>;
  } catch {
    problem = {
      code: `http.${response.status}`,
      detail: `The appliance answered with status ${response.status}.`,
      remedy: 'Try again. If it stays so, tell your administrator.',
    };
  }
  const after = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  const error = new ApiError(response.status, problem, Number.isFinite(after) ? after : null);
  const concernsSession = error.code === 'session.required' || error.code === 'password.change-required';
  if (concernsSession) onSessionLost(error);
  return error;
}

/** Any thrown value as a sentence and a remedy, for display. */
export function asProblem(error: unknown): { title: string; remedy: string; code: string } {
  if (error instanceof ApiError) return { title: error.message, remedy: error.remedy, code: error.code };
  if (error instanceof Error) return { title: error.message, remedy: 'Try again.', code: 'app.unexpected' };
  return { title: 'Something unexpected happened.', remedy: 'Reload the page and try again.', code: 'app.unexpected' };
}
