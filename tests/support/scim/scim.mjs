// SPDX-License-Identifier: Apache-2.0
// A SCIM 2.0 server for tests: the libraries scimmy and scimmy-routers over a store in memory, on loopback. Never for
// production.
//
//   TLS_CERT=c.pem TLS_KEY=k.pem PORT=0 TOKEN=t SCIM_USERS=200 SCIM_GROUPS=250 node scim.mjs
//
// prints "scim ready BASE" once it listens. Users are user0000@..., groups team-000...; group g has 1 + g % 40 people. It is
// changed as any SCIM server is: POST, PATCH, DELETE under BASE. GET /_test/counts tells requests by method and path.
import express from 'express';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';

const number = (name) => Number(process.env[name] || 0);
const token = process.env.TOKEN || 'test-only';
const pad = (value, width) => String(value).padStart(width, '0');

class Store {
  rows = new Map();

  save(id, row) {
    const created = this.rows.get(id)?.meta.created ?? new Date();
    this.rows.set(id, { ...row, id, meta: { created, lastModified: new Date() } });
    return this.rows.get(id);
  }

  find(id) {
    if (!this.rows.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
    return this.rows.get(id);
  }

  // scimmy leaves it to the store to filter, and to see that a name is there once
  declare(resource, unique) {
    SCIMMY.Resources.declare(resource)
      .egress((asked) => {
        if (asked.id) return this.find(asked.id);
        const all = [...this.rows.values()];
        return asked.filter ? asked.filter.match(all) : all;
      })
      .ingress((asked, data) => {
        const row = JSON.parse(JSON.stringify(data));
        if (asked.id) this.find(asked.id);
        for (const other of this.rows.values())
          if (other.id !== asked.id && other[unique].toLowerCase() === String(row[unique]).toLowerCase())
            throw new SCIMMY.Types.Error(409, 'uniqueness', `${row[unique]} is taken`);
        return this.save(asked.id ?? randomUUID(), row);
      })
      .degress((asked) => {
        this.find(asked.id);
        this.rows.delete(asked.id);
      });
  }
}

const users = new Store();
const groups = new Store();
for (let i = 0; i < number('SCIM_USERS'); i++)
  users.save(`u-${i}`, {
    userName: `user${pad(i, 4)}`, externalId: `ext-${i}`, active: true,
    emails: [{ value: `other${i}@example.test` }, { value: `user${pad(i, 4)}@example.test`, primary: true }],
  });
for (let i = 0; i < number('SCIM_GROUPS'); i++)
  groups.save(`g-${i}`, {
    displayName: `team-${pad(i, 3)}`,
    members: Array.from({ length: users.rows.size ? 1 + (i % 40) : 0 }, (_, k) => ({ value: `u-${(i * 13 + k * 7) % users.rows.size}`, type: 'User' })),
  });
users.declare(SCIMMY.Resources.User, 'userName');
groups.declare(SCIMMY.Resources.Group, 'displayName');
SCIMMY.Config.set({ patch: true, filter: { supported: true, maxResults: 200 } });

const app = express();
const counts = {};
const server = https.createServer({ cert: readFileSync(process.env.TLS_CERT), key: readFileSync(process.env.TLS_KEY) }, app);
const base = () => `https://127.0.0.1:${server.address().port}`;
app.get('/_test/counts', (request, response) => response.json(counts));
app.use((request, response, next) => {
  const what = `${request.method} ${request.path.replace(/^(\/scim\/v2\/[A-Za-z]+)\/.*/, '$1/ID')}`;
  counts[what] = (counts[what] ?? 0) + 1;
  next();
});
app.use('/scim/v2', new SCIMMYRouters({
  type: 'bearer', docUri: 'https://127.0.0.1/', baseUri: base,
  handler: (request) => {
    if (request.header('authorization') !== `Bearer ${token}`) throw new Error('bad token');
    return 'test';
  },
}));
server.listen(number('PORT'), '127.0.0.1', () => console.log(`scim ready ${base()}/scim/v2`));
