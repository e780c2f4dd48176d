module.exports = {
  testEnvironment: 'jsdom',
  testMatch: ['<rootDir>/tests/**/*.test.{ts,tsx}'],
  transform: { '\\.(ts|tsx|m?js)$': '<rootDir>/jest.transform.cjs' },
  // JupyterLab's packages and uPlot are ES modules.
  transformIgnorePatterns: ['/node_modules/(?!(@jupyterlab|@lumino|uplot)/)'],
  restoreMocks: true
};
