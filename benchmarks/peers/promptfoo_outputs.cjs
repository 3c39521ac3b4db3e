// A provider for promptfoo that gives recorded outputs by the id in the prompt.
'use strict';
const fs = require('node:fs');

module.exports = class {
  constructor(options) {
    this.arm = options.config.arm;
    this.outputs = new Map();
    for (const line of fs.readFileSync(options.config.file, 'utf8').split('\n')) {
      if (line) {
        const row = JSON.parse(line);
        this.outputs.set(row.id, row.output);
      }
    }
  }

  id() {
    return this.arm;
  }

  async callApi(prompt) {
    return { output: this.outputs.get(prompt) };
  }
};
