import js from "@eslint/js";
import mocha from "eslint-plugin-mocha";
import ts from "typescript-eslint";

const nothingOf = (folders, message) => ({
  "no-restricted-imports": [
    "error",
    { patterns: [{ group: folders, message, allowTypeImports: false }] },
  ],
});
const IO = [
  "node:fs",
  "node:fs/*",
  "node:http",
  "node:https",
  "node:net",
  "node:child_process",
  "@aws-sdk/*",
  "@pulumi/*",
];

export default ts.config(
  {
    ignores: [
      "dist/",
      "node_modules/",
      "coverage/",
      "cli/report/charts.ts",
      "functions/parsing/assembly/",
      ".bench/",
      ".local-aws/",
    ],
  },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [ts.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // It takes every indexed element for present, and calls the checks for absent ones superfluous.
      "@typescript-eslint/no-unnecessary-condition": "off",
      // Typed arrays are walked by index where every nanosecond shows.
      "@typescript-eslint/prefer-for-of": "off",
      // Positions and counts are numbers; `String(n)` around each says nothing new.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  {
    files: ["functions/**/*.ts"],
    rules: {
      ...nothingOf(
        ["**/infra/**", "**/cli/**", ...IO],
        "functions are pure: no I/O, no SDK, nothing of Pulumi",
      ),
      "no-restricted-globals": ["error", "process"],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "time is an argument" },
        { object: "Math", property: "random", message: "results are repeatable" },
      ],
    },
  },
  {
    files: ["functions/edges/**/*.ts"],
    rules: {
      ...nothingOf(["**/infra/**", "**/cli/**", "@pulumi/*"], "edges know nothing of Pulumi"),
      "no-restricted-globals": "off",
      "no-restricted-properties": "off",
    },
  },
  {
    files: ["functions/handlers/**/*.ts"],
    rules: {
      ...nothingOf(
        ["**/infra/**", "**/cli/**", ...IO.filter((name) => name !== "@aws-sdk/*")],
        "I/O is for edges",
      ),
      "no-restricted-properties": "off",
    },
  },
  {
    files: ["functions/parsing/**/*.ts"],
    rules: nothingOf(["../rules/*", "../counting/*", "../acting/*", ...IO], "parsing stands alone"),
  },
  {
    files: ["functions/rules/**/*.ts"],
    rules: nothingOf(["../counting/*", "../acting/*", ...IO], "rules know of parsing only"),
  },
  {
    files: ["functions/counting/**/*.ts"],
    rules: nothingOf(["../acting/*", ...IO], "counting knows of parsing and rules only"),
  },
  {
    files: ["cli/**/*.ts"],
    rules: nothingOf(["**/infra/**", "@pulumi/*"], "the command line knows nothing of Pulumi"),
  },
  {
    files: ["infra/**/*.ts"],
    rules: nothingOf(["**/cli/**"], "infra and cli never import each other"),
  },
  {
    files: ["infra/callback.ts"],
    // The callback requires its bundle: an import would be serialized with all that it imports.
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
  {
    files: ["tests/**/*.ts"],
    plugins: { mocha },
    rules: {
      "mocha/no-exclusive-tests": "error",
      "mocha/no-pending-tests": "error",
      "mocha/no-identical-title": "error",
    },
  },
  {
    files: ["tests/infra/**/*.ts", "tests/support/{mocks,intrusion-prevention}.ts"],
    // What resources are asked for has a type of its own for each; tests compare it with literals.
    rules: {
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
  {
    files: ["tests/local-aws/provider/**/*.ts"],
    // Inputs come over the wire as whatever the program said; `check` looks at them by AWS's types.
    rules: {
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      "@typescript-eslint/require-await": "off",
    },
  },
  {
    files: ["**/*.{mjs,cjs}"],
    languageOptions: {
      globals: {
        process: "readonly",
        console: "readonly",
        setTimeout: "readonly",
        URL: "readonly",
        URLSearchParams: "readonly",
        performance: "readonly",
        Buffer: "readonly",
      },
    },
  },
);
