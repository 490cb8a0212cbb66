// The account menu: who is signed in, theme, password, people (for administrators), sign out.
import { useNavigate } from 'react-router';
import { useSession, useSignedIn } from '../state/session';
import { setTheme, useTheme } from '../state/theme';
import { LockIcon, MoonIcon, PeopleIcon, SignOutIcon, SunIcon, SystemIcon } from '../ui/icons';
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from '../ui/menu';
import { Avatar } from '../ui/small';
import { useToast } from '../ui/toast';

export function AccountMenu() {
  const { user } = useSignedIn();
  const { signOut } = useSession();
  const theme = useTheme();
  const navigate = useNavigate();
  const toast = useToast();
  return (
    <Menu label={`Account of ${user.display_name}`} triggerClass="account-trigger" align="end" trigger={<Avatar name={user.display_name} />}>
      <div className="account-who">
        <div className="truncate account-name">{user.display_name}</div>
        <div className="truncate muted small">{user.username}{user.role === 'admin' ? ' · administrator' : ''}</div>
      </div>
      <MenuLine />
      <MenuLabel>Theme</MenuLabel>
      <MenuChoice checked={theme === 'system'} icon={<SystemIcon />} onSelect={() => setTheme('system')}>As the system</MenuChoice>
      <MenuChoice checked={theme === 'light'} icon={<SunIcon />} onSelect={() => setTheme('light')}>Light</MenuChoice>
      <MenuChoice checked={theme === 'dark'} icon={<MoonIcon />} onSelect={() => setTheme('dark')}>Dark</MenuChoice>
      <MenuLine />
      {user.role === 'admin' && <MenuItem icon={<PeopleIcon />} onSelect={() => void navigate('/people')}>People</MenuItem>}
      <MenuItem icon={<LockIcon />} onSelect={() => void navigate('/password')}>Change password</MenuItem>
      <MenuItem icon={<SignOutIcon />} onSelect={() => void signOut().catch(toast.fail)}>Sign out</MenuItem>
    </Menu>
  );
}
