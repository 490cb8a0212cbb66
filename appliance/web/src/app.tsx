// Routes, and the decision what somebody may see: nothing, the sign-in, the new password, or the app.
import { lazy, Suspense } from 'react';
import { BrowserRouter, Navigate, Route, Routes, useParams } from 'react-router';
import { PasswordScreen } from './screens/password';
import { PeopleScreen } from './screens/people';
import { ProjectsScreen } from './screens/projects';
import { SignInScreen } from './screens/sign-in';
import { ErrorBoundary } from './shell/error-boundary';
import { ProjectLayout } from './shell/project-layout';
import { Shell } from './shell/shell';
import { LibraryScreen } from './library/library-screen';
import { DropZone } from './upload/drop-zone';
import { MembersScreen } from './screens/members';
import { NotFoundScreen, UnreachableScreen } from './screens/plain';
import { LibraryProvider } from './state/library';
import { ProjectsProvider } from './state/projects';
import { SessionProvider, useSession } from './state/session';
import { PageSpinner } from './ui/small';
import { ToastProvider } from './ui/toast';

// hls.js and the player are most of the weight, and nobody needs them to sign in.
const AssetScreen = lazy(() => import('./screens/asset'));

export function App() {
  return (
    <ToastProvider>
      <SessionProvider>
        <BrowserRouter>
          <ErrorBoundary><Gate /></ErrorBoundary>
        </BrowserRouter>
      </SessionProvider>
    </ToastProvider>
  );
}

function Gate() {
  const { current } = useSession();
  // The address stays as it is while somebody signs in, so that links survive an expired session.
  if (current.state === 'loading') return <PageSpinner />;
  if (current.state === 'unreachable') return <UnreachableScreen problem={current.problem} />;
  if (current.state === 'signed-out') return <SignInScreen expired={current.expired} />;
  if (current.session.must_change_password) return <PasswordScreen forced />;
  return (
    <ProjectsProvider>
      <Routes>
        <Route element={<Shell />}>
          <Route index element={<ProjectsScreen />} />
          <Route path="people" element={<PeopleScreen />} />
          <Route path="p/:projectId" element={<WithLibrary />}>
            <Route element={<ProjectLayout />}>
              <Route index element={<LibraryScreen />} />
              <Route path="members" element={<MembersScreen />} />
            </Route>
            <Route path="a/:assetId" element={<Suspense fallback={<PageSpinner />}><AssetScreen /></Suspense>} />
          </Route>
          <Route path="*" element={<NotFoundScreen />} />
        </Route>
        <Route path="password" element={<PasswordScreen forced={false} />} />
        <Route path="signin" element={<Navigate to="/" replace />} />
      </Routes>
    </ProjectsProvider>
  );
}

function WithLibrary() {
  const { projectId = '' } = useParams();
  return <LibraryProvider key={projectId} projectId={projectId}><DropZone /></LibraryProvider>;
}
