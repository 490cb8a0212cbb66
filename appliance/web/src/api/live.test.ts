// The live connection: following, positions, reconnection.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveConnection, type SocketLike } from './live';

class FakeSocket implements SocketLike {
  onopen: ((event: Event) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  sent: unknown[] = [];
  send(data: string) {
    this.sent.push(JSON.parse(data));
  }
  closed = false;
  close() {
    this.closed = true;
  }
  open() {
    this.onopen?.({} as Event);
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
  }
  drop() {
    this.onclose?.({} as CloseEvent);
  }
}

describe('the live connection', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function make() {
    const sockets: FakeSocket[] = [];
    const live = new LiveConnection(() => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    }, () => 1);
    return { live, sockets, latest: () => sockets[sockets.length - 1] as FakeSocket };
  }

  it('gives each followed project a channel, once', () => {
    const { live, sockets } = make();
    live.follow('proj_1');
    live.start();
    live.follow('proj_2');
    live.follow('proj_2');
    expect(sockets).toHaveLength(2);
    sockets.forEach((socket) => socket.open());
    expect(sockets.map((socket) => socket.sent)).toEqual([
      [{ subscribe: { project: 'proj_1', since: 0 } }],
      [{ subscribe: { project: 'proj_2', since: 0 } }],
    ]);
  });

  it('keeps a channel from one page to the next, and closes it when nobody came', () => {
    const { live, sockets, latest } = make();
    live.start();
    const leave = live.follow('proj_1');
    latest().open();
    leave();
    vi.advanceTimersByTime(1000);
    const leaveAgain = live.follow('proj_1');
    vi.advanceTimersByTime(10_000);
    expect(sockets).toHaveLength(1);
    expect(latest().closed).toBe(false);
    leaveAgain();
    vi.advanceTimersByTime(10_000);
    expect(latest().closed).toBe(true);
  });

  it('comes back with the last position it saw, and says that progress may be missing', () => {
    const { live, latest, sockets } = make();
    let again = 0;
    live.onReconnect(() => (again += 1));
    live.follow('proj_1');
    live.start();
    latest().open();
    latest().say({ hello: { seq: 40 } });
    latest().say({ seq: 41, project: 'proj_1', type: 'project.changed', data: {} });
    latest().say({ seq: 0, project: 'proj_1', type: 'asset.progress', data: {} });
    latest().drop();
    expect(live.status.state).toBe('lost');
    vi.advanceTimersByTime(600);
    expect(sockets).toHaveLength(2);
    latest().open();
    expect(latest().sent).toEqual([{ subscribe: { project: 'proj_1', since: 41 } }]);
    expect(again).toBe(1);
    expect(live.status.state).toBe('open');
  });

  it('does not skip what it missed when the greeting after a gap is already ahead', () => {
    const { live, latest } = make();
    live.follow('proj_1');
    live.start();
    latest().open();
    latest().say({ hello: { seq: 40 } });
    latest().drop();
    vi.advanceTimersByTime(600);
    latest().open();
    latest().say({ hello: { seq: 50 } });
    latest().drop();
    vi.advanceTimersByTime(1100);
    latest().open();
    expect(latest().sent).toEqual([{ subscribe: { project: 'proj_1', since: 40 } }]);
  });

  it('waits longer each time, up to a quarter of a minute, unless told to try now', () => {
    const { live, latest, sockets } = make();
    live.follow('proj_1');
    live.start();
    for (let i = 0; i < 8; i += 1) {
      latest().drop();
      vi.advanceTimersByTime(15_000);
    }
    expect(sockets).toHaveLength(9);
    latest().drop();
    vi.advanceTimersByTime(14_000);
    expect(sockets).toHaveLength(9);
    live.retryNow();
    expect(sockets).toHaveLength(10);
  });

  it('ignores what it cannot read and stops when told', () => {
    const { live, latest, sockets } = make();
    const heard: unknown[] = [];
    live.listen((event) => heard.push(event));
    live.follow('proj_1');
    live.start();
    latest().open();
    latest().onmessage?.({ data: '{' } as MessageEvent);
    latest().say({ error: { code: 'ws.message' } });
    expect(heard).toEqual([]);
    live.stop();
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
    expect(live.status.state).toBe('open');
  });
});
