// The library of a project: a grid that fills as one scrolls, remembers where one was, and teaches when empty.
import { useEffect, useLayoutEffect, useRef } from 'react';
import { useProjectRole } from '../shell/project-layout';
import { useLibrary } from '../state/library';
import { UploadButton } from '../upload/upload-button';
import { Button } from '../ui/button';
import { ProblemNote } from '../ui/problem';
import { Empty, Spinner } from '../ui/small';
import { AssetCard } from './asset-card';
import { DropArt } from './drop-art';

// Scroll positions by project, for the time the page lives.
const positions = new Map<string, number>();

export function LibraryScreen() {
  const library = useLibrary();
  const { canEdit } = useProjectRole();
  const { projectId, loaded, items, problem, cursor, loadMore, loadingMore } = library;

  useLayoutEffect(() => {
    if (loaded) window.scrollTo(0, positions.get(projectId) ?? 0);
    const remember = () => positions.set(projectId, window.scrollY);
    window.addEventListener('scroll', remember, { passive: true });
    return () => window.removeEventListener('scroll', remember);
  }, [projectId, loaded]);

  if (!loaded && problem) {
    return <ProblemNote problem={problem}><Button small onClick={() => void library.reload()}>Try again</Button></ProblemNote>;
  }
  if (!loaded) {
    return <ul className="grid" aria-busy="true" aria-label="Loading">{Array.from({ length: 8 }, (_, n) => <li key={n}><div className="skeleton card-skeleton" /><div className="skeleton line-skeleton" /></li>)}</ul>;
  }
  if (items.length === 0) {
    return (
      <Empty art={<DropArt />} title={canEdit ? 'Drop video, audio or images here' : 'Nothing here yet'}>
        {canEdit ? (
          <p>They play within seconds, while full quality and the transcript are still being made. Originals are kept unchanged and locked.</p>
        ) : (
          <p>As soon as somebody uploads, you can watch it here.</p>
        )}
        {canEdit && <UploadButton projectId={projectId} label="Choose files" />}
      </Empty>
    );
  }
  return (
    <>
      <ul className="grid">{items.map((asset) => <li key={asset.id}><AssetCard asset={asset} /></li>)}</ul>
      {problem && <ProblemNote problem={problem} />}
      {cursor !== null && <More onNear={() => void loadMore()} busy={loadingMore} />}
    </>
  );
}

function More({ onNear, busy }: { onNear: () => void; busy: boolean }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = ref.current;
    if (!element || busy) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) onNear();
    }, { rootMargin: '600px' });
    observer.observe(element);
    return () => observer.disconnect();
  }, [onNear, busy]);
  return <div className="more" ref={ref}>{busy ? <Spinner label="Loading more" /> : <Button look="quiet" onClick={onNear}>Load more</Button>}</div>;
}
