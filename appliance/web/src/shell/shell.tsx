// The frame around every signed-in page: top bar, connection banner, page, upload tray.
import { useEffect } from 'react';
import { Link, Outlet, useLocation, useParams } from 'react-router';
import { Tray } from '../upload/tray';
import { Mark } from '../ui/mark';
import { AccountMenu } from './account-menu';
import { ConnectionBanner } from './connection-banner';
import { ProjectSwitcher } from './project-switcher';

export function Shell() {
  const { projectId } = useParams();
  const { pathname } = useLocation();
  const onAsset = /^\/p\/[^/]+\/a\//.test(pathname);
  useEffect(() => {
    // A new page starts at its top; the library restores its own position.
    if (onAsset) window.scrollTo(0, 0);
  }, [pathname, onAsset]);
  return (
    <div className={onAsset ? 'app app-asset' : 'app'}>
      <a className="skip-link" href="#main">Skip to content</a>
      <header className="topbar">
        <Link to="/" className="topbar-home" aria-label="Strongroom, all projects" title="All projects"><Mark size={28} /></Link>
        {projectId ? <ProjectSwitcher projectId={projectId} /> : <span className="topbar-name">Strongroom</span>}
        <div className="topbar-space" />
        <AccountMenu />
      </header>
      <ConnectionBanner />
      <main id="main" tabIndex={-1}><Outlet /></main>
      <Tray />
    </div>
  );
}
