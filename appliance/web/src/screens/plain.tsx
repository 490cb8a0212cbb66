// Pages for when there is nothing to show: a wrong address, an appliance that does not answer.
import { Link } from 'react-router';
import { useSession } from '../state/session';
import { Button } from '../ui/button';
import { OfflineIcon, SearchIcon } from '../ui/icons';
import { Empty } from '../ui/small';
import { asSentence, Words } from '../ui/words';

export function NotFoundScreen() {
  return (
    <Empty art={<SearchIcon size={40} />} title="There is nothing at this address">
      <p>It may have been removed, or you may not be a member of its project.</p>
      <Link to="/" className="button button-secondary">All projects</Link>
    </Empty>
  );
}

export function UnreachableScreen({ problem }: { problem: { title: string; remedy: string } }) {
  const { reload } = useSession();
  return (
    <main id="main" data-testid="problem">
      <Empty art={<OfflineIcon size={40} />} title={asSentence(problem.title)}>
        <p><Words text={problem.remedy} /></p>
        <Button look="primary" onClick={() => void reload()}>Try again</Button>
      </Empty>
    </main>
  );
}
