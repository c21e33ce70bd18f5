// Loaded into every function's process before its code: lets the SDK say which function calls, and
// which process, so that its permissions can be checked and it can be killed in the middle.
const name = process.env.AWS_LAMBDA_FUNCTION_NAME;
if (name !== undefined) process.env.AWS_SDK_UA_APP_ID = `${name}.${process.pid}`;
