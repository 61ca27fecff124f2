// A `vouchd --dev` of a test's own, and what grpc-js needs to talk to it.
// The environment variable VOUCH_BIN names the folder of vouch and vouchd.
'use strict';

const {spawn, execFileSync} = require('node:child_process');
const {once} = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const SOURCE = path.resolve(__dirname, '..', '..');
const READY_MS = 60000;
const END_MS = 40000;

function makeCertificates(directory, ...args) {
  execFileSync(path.join(SOURCE, 'certs', 'make-dev-certs.sh'),
    [directory, ...args], {stdio: ['ignore', 'ignore', 'inherit']});
}

class Daemon {
  constructor() {
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-test.'));
    this.dev = path.join(this.directory, 'dev');
    this.log = path.join(this.directory, 'log');
    this.certificates = path.join(this.dev, 'certs');
  }

  // Resolves once it serves.
  async start() {
    const log = fs.openSync(this.log, 'a');

    this.process = spawn(path.join(process.env.VOUCH_BIN, 'vouchd'),
      ['--dev', this.dev], {stdio: ['ignore', 'pipe', log]});
    fs.closeSync(log);
    this.ended = once(this.process, 'exit');
    this.process.stdout.setEncoding('utf8');
    await new Promise((resolve, reject) => {
      let text = '';
      const timer = setTimeout(() => {
        reject(new Error('the daemon does not serve: ' + this.logText()));
      }, READY_MS);
      const settle = (how, value) => {
        clearTimeout(timer);
        how(value);
      };

      this.process.stdout.on('data', (more) => {
        text += more;
        if (/^ready$/m.test(text))
          settle(resolve);
      });
      this.ended.then(() => settle(reject,
        new Error('the daemon ended: ' + this.logText())), reject);
    });
    return this;
  }

  logText() {
    return fs.readFileSync(this.log, 'utf8');
  }

  // Fails if the daemon does not end well after SIGTERM.
  async stop() {
    const timer = setTimeout(() => this.process.kill('SIGKILL'), END_MS);

    try {
      this.process.kill('SIGTERM');
      const [code, signal] = await this.ended;
      if (code !== 0)
        throw new Error(`the daemon ended with ${code ?? signal}: ` +
          this.logText());
    } finally {
      clearTimeout(timer);
      fs.rmSync(this.directory, {recursive: true});
    }
  }

  address() {
    const text = fs.readFileSync(path.join(this.dev, 'employer.env'), 'utf8');

    return /VOUCH_SERVER='([^']*)'/.exec(text)[1];
  }

  read(name) {
    return fs.readFileSync(path.join(this.certificates, name));
  }
}

module.exports = {Daemon, SOURCE, makeCertificates};
