import assert from "node:assert/strict";
import fc from "fast-check";
import { LineParser } from "../../../functions/parsing/line-parser";
import { toAccess, type Access } from "../../../functions/parsing/records";
import { decodeKey } from "../../../functions/parsing/s3-key";

const OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const HEAD = `${OWNER} example-bucket [06/Feb/2026:00:00:38 +0000] 192.0.2.3`;
const ID = "3E57427F33A59F0Z";
const HOST_ID = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=";
const RIGHT = `"GET /k HTTP/1.1" 200 - 113 114 7 6 "-" "S3Console/0.4"`;
const TAIL_18 = "-";
const TAIL_27 = `- ${HOST_ID} SigV4 TLS_AES_128_GCM_SHA256 AuthHeader example-bucket.s3.amazonaws.com TLSv1.3 arn:aws:s3:eu-west-1:123456789012:accesspoint/x Yes eu-west-1`;

const parse = (line: string): Access => {
  const parser = new LineParser();
  assert.equal(parser.parseText(line), undefined, line);
  assert.equal(parser.row.kind, "access");
  return toAccess(parser.row, parser.row.text(3));
};

describe("LineParser on S3 lines", () => {
  const tail = TAIL_27.split(" ");
  for (const width of [18, 24, 25, 26, 27]) {
    it(`reads a line of ${String(width)} columns`, () => {
      const access = parse(
        `${HEAD} ${OWNER} ${ID} REST.GET.OBJECT k ${RIGHT} ${tail.slice(0, width - 17).join(" ")}`,
      );

      assert.equal(access.partial, false);
      assert.equal(access.bucket, "example-bucket");
      assert.equal(access.time, Date.UTC(2026, 1, 6, 0, 0, 38));
      assert.equal(access.requester, OWNER);
      assert.equal(access.operation, "REST.GET.OBJECT");
      assert.equal(access.status, 200);
      assert.equal(access.bytes, 113);
      assert.equal(access.objectBytes, 114);
      assert.equal(access.totalMs, 7);
      assert.equal(access.userAgent, "S3Console/0.4");
      assert.equal(access.columns["source_region"], width === 27 ? "eu-west-1" : undefined);
    });
  }

  it("keeps columns that AWS may add", () => {
    const access = parse(`${HEAD} - ${ID} REST.GET.OBJECT k ${RIGHT} ${TAIL_27} new1 new2`);
    assert.equal(access.columns["column28"], "new1");
    assert.equal(access.columns["column29"], "new2");
  });

  const RIGHT_PARTS: readonly (readonly [
    name: string,
    right: string,
    expected: Readonly<Record<string, string | undefined>>,
  ])[] = [
    [
      "a quote in the path",
      `"GET /a"b HTTP/1.1" 404 NoSuchKey 300 - 9 - "-" "ua"`,
      { request_uri: 'GET /a"b HTTP/1.1', http_status: "404", user_agent: "ua" },
    ],
    [
      "a quoted query value",
      `"GET /a?x="y"&z HTTP/1.1" 200 - 3 3 9 8 "-" "ua"`,
      { request_uri: 'GET /a?x="y"&z HTTP/1.1', http_status: "200" },
    ],
    [
      "a doubled quote before the agent",
      `"GET /a HTTP/1.1" 200 - 3 3 9 8 "-" ""name"`,
      { user_agent: '"name', referer: undefined },
    ],
    [
      "a doubled quote behind the agent",
      `"GET /a HTTP/1.1" 200 - 3 3 9 8 "-" "name""`,
      { user_agent: 'name"' },
    ],
    [
      "hundreds of quotes in the agent",
      `"GET /a HTTP/1.1" 200 - 3 3 9 8 "-" "${'x"'.repeat(300)}end"`,
      { request_uri: "GET /a HTTP/1.1", user_agent: `${'x"'.repeat(300)}end` },
    ],
    [
      "quotes in URI and referer",
      `"GET /a"b HTTP/1.1" 200 - 3 3 9 8 "http://x/"q" "ua"`,
      { referer: 'http://x/"q', user_agent: "ua" },
    ],
    [
      "a bare dash for the referer",
      `"GET /a HTTP/1.1" 200 - 3 3 9 8 - "ua"`,
      { referer: undefined, user_agent: "ua" },
    ],
    [
      "a bare dash for the agent",
      `"GET /a HTTP/1.1" 200 - 3 3 9 8 "https://www.example.com/" -`,
      { referer: "https://www.example.com/", user_agent: undefined },
    ],
    [
      "a referer with a space",
      `"GET /a HTTP/1.1" 200 - 3 3 9 8 "http://x/a b" "ua"`,
      { referer: "http://x/a b" },
    ],
    [
      "bare dashes, as batch deletes have",
      "- 204 - - 5 - - - -",
      { request_uri: undefined, http_status: "204", user_agent: undefined },
    ],
    [
      "quoted dashes, as lifecycle work has",
      `"-" - - - 5 - - "-" "-"`,
      { request_uri: undefined, http_status: undefined },
    ],
    [
      "a copy, whose URI has no protocol",
      `"GET /a" 200 - 3 3 9 8 "-" "ua"`,
      { request_uri: "GET /a" },
    ],
  ];
  for (const [name, right, expected] of RIGHT_PARTS) {
    it(`reads ${name}`, () => {
      const access = parse(`${HEAD} - ${ID} REST.GET.OBJECT k ${right} ${TAIL_27}`);

      assert.equal(access.partial, false);
      for (const [column, value] of Object.entries(expected))
        assert.equal(access.columns[column], value, column);
      assert.equal(access.columns["version_id"], undefined);
      assert.equal(access.columns["host_id"], HOST_ID);
      assert.equal(access.columns["tls_version"], "TLSv1.3");
    });
  }

  it("counts by the left part only when the right part can be read in two ways", () => {
    const forged = `"GET /k" 200 - 1 1 1 1 "-" "evil" HTTP/1.1" 404 NoSuchKey 5 - 3 - "-" "ua"`;
    const access = parse(`${HEAD} - ${ID} REST.GET.OBJECT k ${forged} ${TAIL_18}`);

    assert.equal(access.partial, true);
    assert.equal(access.key, "k");
    assert.equal(access.status, 0);
    assert.equal(access.userAgent, "");
  });

  it("is never deceived by what a caller puts into the request, the referer and the agent", () => {
    const forged = fc
      .array(
        fc.constantFrom(
          ...[
            '"',
            '" "',
            " ",
            " - ",
            "-",
            "200",
            "1",
            "NoSuchKey",
            "GET /k",
            "SigV4",
            "AuthHeader",
          ],
          ...['" 200 - 1 1 1 1 "', '" 404 NoSuchKey 300 - 9 - "-" "evil" -'],
        ),
        { maxLength: 7 },
      )
      .map((parts) => parts.join(""));
    const tail = fc.constantFrom(TAIL_18, TAIL_27, `v1 ${HOST_ID} - - - b TLSv1.2 - -`);
    fc.assert(
      fc.property(forged, forged, forged, tail, (uri, referer, agent, rest) => {
        const access = parse(
          `${HEAD} ${OWNER} ${ID} REST.GET.OBJECT k "GET /${uri} HTTP/1.1" 403 AccessDenied 243 - 7 - "${referer}" "x${agent}" ${rest}`,
        );
        const left = [access.bucket, access.requester, access.operation, access.key];
        assert.deepEqual(left, ["example-bucket", OWNER, "REST.GET.OBJECT", "k"]);
        if (access.partial) return;
        assert.deepEqual(
          [access.status, access.bytes, access.userAgent, access.columns["referer"] ?? "-"],
          [403, 243, `x${agent}`, referer === '"-"' ? "-" : referer],
        );
      }),
      { numRuns: 3000 },
    );
  });

  it("keeps referer and agent as they stand when they can be told apart in two ways", () => {
    const right = `"GET /k HTTP/1.1" 200 - 1 1 1 1 "a" "b" "c"`;
    const access = parse(`${HEAD} - ${ID} REST.GET.OBJECT k ${right} ${TAIL_27}`);

    assert.equal(access.partial, true);
    assert.equal(access.status, 200);
    assert.equal(access.userAgent, "");
    assert.ok(Object.values(access.columns).includes('"a" "b" "c"'));
    assert.equal(access.columns["host_id"], HOST_ID);
  });

  for (const [name, rest] of [
    ["a referer that is cut off", `"https://www.exam`],
    ["an agent that is cut off", `- "curl/8`],
    ["a referer without quotes", "curl/8 x"],
    ["a line that ends there", ""],
    ["quotes that are not apart", `"-" "a"b`],
  ] as const) {
    it(`keeps what is left of ${name}, and counts by what stands before it`, () => {
      const access = parse(
        `${HEAD} - ${ID} REST.GET.OBJECT k "GET /k HTTP/1.1" 404 NoSuchKey 1 1 1 1 ${rest}`,
      );

      assert.equal(access.partial, true);
      assert.equal(access.status, 404);
      assert.equal(access.userAgent, "");
    });
  }

  for (const [name, right] of [
    ["no quote around the request", "GET /k 200 - 1 1 1 1 - -"],
    ["a dash for the request, and no values behind it", "- GET /k 200"],
    ["a status of two digits", `"GET /k HTTP/1.1" 20 - 1 1 1 1 "-" "ua" -`],
  ] as const) {
    it(`keeps a right part with ${name} whole, and takes nothing from it`, () => {
      const access = parse(`${HEAD} - ${ID} REST.GET.OBJECT k ${right}`);

      assert.equal(access.partial, true);
      assert.equal(access.key, "k");
      assert.equal(access.status, 0);
      assert.ok(Object.values(access.columns).includes(right));
    });
  }

  for (const [name, rest, agent] of [
    ["a user agent", `"-" "ua"`, "ua"],
    ["a bare dash for it", "- -", ""],
  ] as const) {
    it(`reads a line that ends with ${name}`, () => {
      const access = parse(
        `${HEAD} - ${ID} REST.GET.OBJECT k "GET /k HTTP/1.1" 200 - 1 1 1 1 ${rest}`,
      );

      assert.equal(access.partial, false);
      assert.equal(access.userAgent, agent);
    });
  }

  it("takes a quoted dash for missing in the columns behind the user agent too", () => {
    const access = parse(`${HEAD} - ${ID} REST.GET.OBJECT k - 204 - - 5 - - - - "-" ${HOST_ID}`);
    assert.equal(access.columns["version_id"], undefined);
    assert.equal(access.columns["host_id"], HOST_ID);
  });

  it("reads a requester with spaces", () => {
    const requester = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE";
    assert.equal(
      parse(`${HEAD} ${requester} ${ID} REST.GET.OBJECT k ${RIGHT} -`).requester,
      requester,
    );
  });

  it("reads the jobs of S3 itself, without address and with a UUID", () => {
    const line = `${OWNER} b [06/Feb/2026:00:00:38 +0000] - AmazonS3 0a1b2c3d-0000-4000-8000-123456789abc S3.COMPUTE.OBJECT.CHECKSUM k "-" - - - 5 - - "-" "-" -`;
    const access = parse(line);
    assert.equal(access.client, undefined);
    assert.equal(access.operation, "S3.COMPUTE.OBJECT.CHECKSUM");
  });

  it("keeps a line that is cut short as partial", () => {
    assert.equal(parse(`${HEAD} - ${ID} REST.GET.OBJECT k`).partial, true);
    assert.equal(parse(`${HEAD} - ${ID} REST.GET.OBJECT k "GET /k HTTP/1.1" 200 -`).partial, true);
  });

  it("reads the JSON form", () => {
    const access = parse(
      JSON.stringify({
        schema_version_id: "V_9_0",
        bucket_name: "b",
        request_time: "2026-04-29T14:32:16.123Z",
        remote_ip: "2001:db8::7",
        requester: null,
        request_id: ID,
        operation: "REST.GET.OBJECT",
        key_name: "a%20b",
        http_status: 200,
        bytes_sent_size: 9,
        object_size: 3_000_000_000,
        acl_required: true,
        user_agent: 'say "hi"',
        future: 1,
      }),
    );
    assert.equal(access.time, Date.UTC(2026, 3, 29, 14, 32, 16, 123));
    assert.equal(access.key, "a%20b");
    assert.equal(access.requester, "");
    assert.equal(access.objectBytes, 3_000_000_000);
    assert.equal(access.columns["acl_required"], "Yes");
    assert.equal(access.columns["future"], "1");
    assert.equal(access.userAgent, 'say "hi"');
  });

  it("takes a word like a request id within the requester for no request id", () => {
    const requester = "svc 3E57427F33A59F0A user";
    const access = parse(`${HEAD} ${requester} ${ID} REST.GET.OBJECT k ${RIGHT} -`);
    assert.equal(access.requester, requester);
    assert.equal(access.columns["request_id"], ID);
  });

  it("knows that an ACL was not required", () => {
    const access = parse(
      `{"request_time":"2026-04-29T14:32:16Z","bucket_name":"b","operation":"REST.GET.OBJECT","acl_required":false}`,
    );
    assert.equal(access.columns["acl_required"], undefined);
  });

  it("refuses a time that is none", () => {
    const line = `${HEAD.replace("06/Feb", "31/Feb")} - ${ID} REST.GET.OBJECT k ${RIGHT} -`;
    assert.equal(new LineParser().parseText(line), "bad-time");
  });

  it("refuses a line that has no operation", () => {
    for (const rest of [
      "x y z",
      `${ID} REST.GET.OBJ*CT k`,
      "0a1b2c3d-0000-4000-8000-12345678 9abc S3.EXPIRE.OBJECT k",
      "0a1b2c3d-0000-4000-8000_123456789abc S3.EXPIRE.OBJECT k",
      "0a1b2c3d-0000-4000-8000-12345678*abc S3.EXPIRE.OBJECT k",
    ])
      assert.equal(new LineParser().parseText(`${HEAD} - ${rest}`), "no-operation", rest);
    assert.equal(
      new LineParser().parseText('{"bucket_name":"b","operation":null}'),
      "no-operation",
    );
  });
});

describe("decodeKey", () => {
  const cases: readonly (readonly [raw: string, operation: string, key: string])[] = [
    ["photos%252F1.jpg", "REST.GET.OBJECT", "photos/1.jpg"],
    ["a%252520b", "REST.GET.OBJECT", "a%20b"],
    ["a+b%2525", "REST.GET.OBJECT", "a+b%"],
    ["a+b%25", "BATCH.DELETE.OBJECT", "a b%"],
    ["old+1.jpg", "S3.EXPIRE.OBJECT", "old 1.jpg"],
    ["bad%zz", "REST.GET.OBJECT", "bad%zz"],
    ["bad%25zz", "REST.GET.OBJECT", "bad%25zz"],
    ["bad%zz", "S3.EXPIRE.OBJECT", "bad%zz"],
    ["short%2", "REST.GET.OBJECT", "short%2"],
    ["short%", "REST.GET.OBJECT", "short%"],
    ["%25FF", "REST.GET.OBJECT", "%25FF"],
    ["*'()!", "REST.GET.OBJECT", "*'()!"],
  ];
  for (const [raw, operation, key] of cases) {
    it(`turns ${raw} of ${operation} into ${key}`, () => {
      assert.equal(decodeKey(raw, operation), key);
    });
  }
});
