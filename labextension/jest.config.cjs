module.exports = {
  testEnvironment: 'jsdom',
  setupFiles: ['<rootDir>/tests/jsdom.ts'],
  testMatch: ['<rootDir>/tests/**/*.test.{ts,tsx}'],
  transform: { '\\.(tsx?|m?js|svg|css)$': '<rootDir>/jest.transform.cjs' },
  // Many packages are ES modules, and transforming all of them is fast and cached.
  transformIgnorePatterns: [],
  restoreMocks: true
};
