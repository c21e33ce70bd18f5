// What the scripts that run unpacked archives have in common: an endpoint that plays AWS, and the
// loading of a function. It needs nothing but Node.
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * Listens, and sends the SDK of this process there. `services` answer by the name of the call, an
 * error with `__type`; `publish` takes what goes to a topic; `objects` are S3's, by bucket and key.
 */
export async function playAws({ services, publish, objects = new Map() }) {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const path = decodeURIComponent(new URL(request.url, "http://x").pathname.slice(1));
      if (request.method === "GET") return void response.end(objects.get(path));
      if (request.method === "PUT") {
        objects.set(path, body);
        return void response.end();
      }
      const service = services[request.headers["x-amz-target"]];
      if (service === undefined) {
        const message = new URLSearchParams(body.toString());
        if (message.get("Action") !== "Publish") throw new Error(`unknown call: ${body}`);
        publish({ subject: message.get("Subject"), message: message.get("Message") });
        response.end("<PublishResponse><PublishResult></PublishResult></PublishResponse>");
        return;
      }
      const answer = service(JSON.parse(body.toString()));
      response.statusCode = answer.__type === undefined ? 200 : 400;
      response.setHeader("content-type", "application/x-amz-json-1.1");
      response.end(JSON.stringify(answer));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${server.address().port}`,
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "secret",
  });
  return server;
}

/** The handler of an unpacked archive; bundles are required by a path from Lambda's working directory. */
export function load(folder, name) {
  process.chdir(join(folder, name));
  return createRequire(join(folder, "run.js"))(join(folder, name, "__index.js")).handler;
}
