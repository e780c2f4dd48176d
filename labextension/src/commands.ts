/** Ids of our commands. */

export const CommandIDs = {
  openCurriculum: 'sysdesign:open-curriculum',
  /** `{lesson?}`; without one, the lesson to go on with. */
  openLesson: 'sysdesign:open-lesson',
  /** `{workspace?}`; without one, that of the file one looks at. The same for those below. */
  startEnvironment: 'sysdesign:start-environment',
  stopEnvironment: 'sysdesign:stop-environment',
  resetEnvironment: 'sysdesign:reset-environment',
  stopAll: 'sysdesign:stop-all-environments',
  openDashboard: 'sysdesign:open-dashboard',
  /** `{workspace?, service?}` */
  openTerminal: 'sysdesign:open-terminal',
  downloadWork: 'sysdesign:download-work',
  uploadWork: 'sysdesign:upload-work',
  /** Lab's own. */
  openFile: 'docmanager:open',
  newTerminal: 'terminal:create-new'
} as const;
