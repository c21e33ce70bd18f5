import assert from "node:assert/strict";
import { objectsIn } from "../../../functions/parsing/s3-events";

const notification = (key: string, eventName = "ObjectCreated:Put"): string =>
  JSON.stringify({ Records: [{ eventName, s3: { bucket: { name: "logs" }, object: { key } } }] });

describe("objectsIn", () => {
  const cases: readonly (readonly [text: string, keys: readonly string[] | undefined])[] = [
    [notification("2026/11/a%2Bb+c.gz"), ["2026/11/a+b c.gz"]],
    [notification("100%25+of+it%"), ["100%25 of it%"]],
    [notification("a", "ObjectRemoved:Delete"), []],
    ['{"Event":"s3:TestEvent"}', []],
    [
      '{"detail-type":"Object Created","detail":{"bucket":{"name":"logs"},"object":{"key":"a+b%20"}}}',
      ["a+b%20"],
    ],
    ['{"detail-type":"Object Deleted","detail":{}}', []],
    ['{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"logs"}}}]}', undefined],
    ["{}", undefined],
    ["no JSON", undefined],
  ];
  for (const [text, keys] of cases) {
    it(`finds ${JSON.stringify(keys)} in ${text}`, () => {
      assert.deepEqual(
        objectsIn(text),
        keys?.map((key) => ({ bucket: "logs", key })),
      );
    });
  }
});
