// GrowthBook's remote evaluation of a payload, served by Express; says where it listens.
// usage: node growthbook_remote.cjs NODE_MODULES PAYLOAD
const path = require("node:path");
const { readFileSync } = require("node:fs");

const [modules, payloadFile] = process.argv.slice(2);
const express = require(path.join(modules, "express"));
const { evaluateFeatures } = require(path.join(modules, "@growthbook/proxy-eval"));
const payload = JSON.parse(readFileSync(payloadFile, "utf8"));

const app = express();
app.use(express.json());
app.post("/eval", async (request, response) => {
  const { attributes } = request.body;
  response.json(await evaluateFeatures({ payload, attributes }));
});
const server = app.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
