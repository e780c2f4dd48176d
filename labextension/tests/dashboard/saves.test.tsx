/** What became of a saved file, as a dashboard shows it. */

import { rest } from '../browser';
import {
  eachTimeAnew,
  environment,
  has,
  opened,
  press,
  service,
  show,
  tell,
  text
} from './page';

eachTimeAnew();

test('a saved file shows the restart, then the line that is wrong, and opens it', async () => {
  has(environment());
  await show();
  const reason = 'app/server.py:12: invalid syntax';
  await tell('file.saved', { path: 'app/server.py' }, 1000);
  await tell('service.state', service('app', { state: 'restarting' }), 1000.1);
  expect(text('.sd-save')).toContain('app/server.py');
  expect(text('.sd-save')).toContain('Restarting');
  await tell(
    'service.state',
    service('app', { state: 'failed', reason }),
    1000.3
  );
  expect(text('.sd-save')).toContain(reason);
  await press('Open line 12 of server.py');
  expect(opened).toEqual(['sysdesign/l/app/server.py:12']);
  await tell('file.saved', { path: 'app/server.py' }, 1010);
  await tell('service.state', service('app', { state: 'restarting' }), 1010.1);
  await tell('service.state', service('app'), 1010.6);
  expect(text('.sd-save')).toContain('Ready after 0.6 s');
  expect(text('.sd-save')).not.toContain('invalid syntax');
  // What happens to the service later has other reasons.
  const killed = service('app', { state: 'failed', reason: 'killed' });
  await tell('service.state', killed, 1310);
  await tell('service.state', service('app', { state: 'restarting' }), 1320);
  expect(text('.sd-save')).toContain('Ready after 0.6 s');
  expect(text('.sd-save')).not.toContain('killed');
  await tell('file.saved', { path: 'app/server.py' }, 1400);
  await tell('service.state', service('app', { state: 'restarting' }), 1400.1);
  await tell('service.state', service('app', { state: 'stopped' }), 1401);
  expect(text('.sd-save')).not.toContain('Restarting');
});

test('a restart that ended unseen has no time', async () => {
  has(environment());
  await show();
  await tell('file.saved', { path: 'app/server.py' }, 1000);
  await tell('service.state', service('app', { state: 'restarting' }), 1000.1);
  has(environment({ last_seq: 90 }));
  await tell('gap', { missed_from: 8, missed_to: 90 }, 1060);
  await rest(4000);
  expect(text('.sd-save')).toContain('→appReady');
  expect(text('.sd-save')).not.toContain('after');
});
