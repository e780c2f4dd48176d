import { execFileSync } from 'node:child_process';
import { quoted } from '../../src/terminal/quoting';

test('a shell reads back every word as it was', () => {
  const words = [
    '/home/ann/.venv/bin/sysdesign',
    '--workspace=/home/ann/my lessons/t1',
    "it's; rm -rf $HOME",
    '"`\\',
    '',
    'Größe',
    'a\nb'
  ];
  const said = execFileSync('/bin/sh', [
    '-c',
    `printf '%s\\0' ${words.map(quoted).join(' ')}`
  ]).toString();
  expect(said).toBe(words.map(word => `${word}\0`).join(''));
});
