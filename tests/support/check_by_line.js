// A stock client of grpc-js: for each line on standard input one health check
// on the same channel, and on standard output its status.
//
// usage: check_by_line.js ADDRESS CERTIFICATES
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

const grpc = require('@grpc/grpc-js');

const [address, certificates] = process.argv.slice(2);
const read = (name) => fs.readFileSync(path.join(certificates, name));
const client = new grpc.Client(address, grpc.credentials.createSsl(
  read('root.pem'), read('employer.key'), read('employer.pem')));
const same = (bytes) => bytes;

readline.createInterface({input: process.stdin}).on('line', () => {
  client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same,
    Buffer.alloc(0), {deadline: Date.now() + 30000}, (error) => {
      process.stdout.write(error ? `${error.code} ${error.details}\n` :
        '0\n');
    });
}).on('close', () => client.close());
