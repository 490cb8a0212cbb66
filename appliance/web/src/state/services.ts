// The two things that live as long as the page: the live connection and the uploads.
import { api } from '../api/endpoints';
import { browserSocket, LiveConnection } from '../api/live';
import { UploadManager } from '../upload/manager';

export const live = new LiveConnection(browserSocket);
export const uploads = new UploadManager(api, live);

// A laptop that wakes, or a cable plugged in again, should not sit out the back-off.
window.addEventListener('online', () => live.retryNow());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') live.retryNow();
});
