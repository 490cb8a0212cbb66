// Live events. The server watches one project per WebSocket, so each followed project has a channel of its own, with
// reconnection, back-off and the last position seen. Nothing is kept here: what an event means its listeners decide.
import type { LiveEvent } from './types';

export type LiveStatus = { state: 'open' } | { state: 'lost'; retryAt: number };

export interface SocketLike {
  onopen: ((event: Event) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  send(data: string): void;
  close(): void;
}

type Listener = (event: LiveEvent) => void;

// The server pings every 20 s on the protocol level, which a page cannot see; a silent network is noticed by the
// browser's own time-out or by `offline`, so no heartbeat is invented here.
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
// Going from one page to the next lets go of a project for a moment; its channel waits that long for the next page.
const LINGER_MS = 3000;

export class LiveConnection {
  private readonly channels = new Map<string, Channel>();
  private readonly followers = new Map<string, number>();
  private readonly listeners = new Set<Listener>();
  private readonly statusListeners = new Set<() => void>();
  private readonly reconnected = new Set<() => void>();
  private running = false;
  private current: LiveStatus = { state: 'open' };

  constructor(
    private readonly connect: () => SocketLike,
    private readonly random: () => number = Math.random,
  ) {}

  get status(): LiveStatus {
    return this.current;
  }

  start(): void {
    this.running = true;
    for (const project of this.followers.keys()) this.open(project);
  }

  stop(): void {
    this.running = false;
    for (const channel of this.channels.values()) channel.close();
    this.channels.clear();
    this.updateStatus();
  }

  /** Tries at once instead of waiting for the back-off. */
  retryNow(): void {
    for (const channel of this.channels.values()) channel.retryNow();
  }

  /** Follows a project until the returned function is called; followers are counted. */
  follow(project: string): () => void {
    this.followers.set(project, (this.followers.get(project) ?? 0) + 1);
    if (this.running) this.open(project);
    let following = true;
    return () => {
      if (!following) return;
      following = false;
      const left = (this.followers.get(project) ?? 1) - 1;
      if (left > 0) this.followers.set(project, left);
      else {
        this.followers.delete(project);
        setTimeout(() => this.closeIfUnfollowed(project), LINGER_MS);
      }
    };
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Progress is not kept by the server, so after a gap whoever shows data reads it again. */
  onReconnect(listener: () => void): () => void {
    this.reconnected.add(listener);
    return () => this.reconnected.delete(listener);
  }

  onStatus(listener: () => void): () => void {
    this.statusListeners.add(listener);
    return () => this.statusListeners.delete(listener);
  }

  private open(project: string): void {
    if (this.channels.has(project)) return;
    const channel = new Channel(project, this.connect, this.random, {
      event: (event) => {
        for (const listener of this.listeners) listener(event);
      },
      reconnected: () => {
        for (const listener of this.reconnected) listener();
      },
      status: () => this.updateStatus(),
    });
    this.channels.set(project, channel);
    channel.open();
  }

  private closeIfUnfollowed(project: string): void {
    if (this.followers.has(project)) return;
    this.channels.get(project)?.close();
    this.channels.delete(project);
    this.updateStatus();
  }

  private updateStatus(): void {
    const retries = [...this.channels.values()].map((channel) => channel.retryAt).filter((at) => at !== null);
    const next: LiveStatus = retries.length > 0 ? { state: 'lost', retryAt: Math.min(...retries) } : { state: 'open' };
    const same = next.state === this.current.state && (next.state === 'open' || next.retryAt === (this.current as { retryAt: number }).retryAt);
    if (same) return;
    this.current = next;
    for (const listener of this.statusListeners) listener();
  }
}

interface ChannelEvents {
  event(event: LiveEvent): void;
  reconnected(): void;
  status(): void;
}

class Channel {
  /** When the next attempt is due; null while connected or connecting for the first time. */
  retryAt: number | null = null;
  private socket: SocketLike | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private seq = 0;
  private failures = 0;
  private wasOpen = false;
  private closed = false;

  constructor(
    private readonly project: string,
    private readonly connect: () => SocketLike,
    private readonly random: () => number,
    private readonly events: ChannelEvents,
  ) {}

  open(): void {
    const socket = this.connect();
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket !== socket) return;
      socket.send(JSON.stringify({ subscribe: { project: this.project, since: this.seq } }));
      this.failures = 0;
      this.retryAt = null;
      this.events.status();
      if (this.wasOpen) this.events.reconnected();
      this.wasOpen = true;
    };
    socket.onmessage = (message) => {
      if (this.socket === socket) this.receive(String(message.data));
    };
    socket.onclose = () => {
      if (this.socket === socket) this.scheduleRetry();
    };
  }

  close(): void {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    this.retryAt = null;
    socket?.close();
  }

  retryNow(): void {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.open();
  }

  private receive(text: string): void {
    let message: LiveEvent & { hello?: { seq: number } };
    try {
      message = JSON.parse(text) as LiveEvent & { hello?: { seq: number } };
    } catch {
      return;
    }
    if (message.hello) {
      // The page has just read everything up to here; a later reconnection asks only for what is newer.
      if (this.seq === 0) this.seq = message.hello.seq;
      return;
    }
    if (typeof message.type !== 'string' || message.project !== this.project) return;
    if (message.seq > this.seq) this.seq = message.seq;
    this.events.event(message);
  }

  private scheduleRetry(): void {
    this.socket = null;
    if (this.closed) return;
    const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures);
    // Half fixed, half random: after a restart of the appliance not every browser returns in the same instant.
    const wait = ceiling / 2 + (this.random() * ceiling) / 2;
    this.failures += 1;
    this.retryAt = Date.now() + wait;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.open();
    }, wait);
    this.events.status();
  }
}

export function browserSocket(): SocketLike {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return new WebSocket(`${scheme}//${location.host}/ws`);
}
