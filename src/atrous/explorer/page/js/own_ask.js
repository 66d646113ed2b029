// Requests to the page's own server. An answer is one line of JSON; of work that takes long, lines come before it that tell how far
// it is. Nothing is sent anywhere else: the page's policy forbids it.

const token = () => document.querySelector('meta[name="atrous-token"]')?.content ?? "";

/** Ask the server: `body` is an object, sent as JSON, or a File. `told` hears {say, seconds} or {sent, of} on the way. The promise
 * gives the result, or fails with the server's own text. */
export function ask(name, body, told = () => {}) {
  const file = body instanceof Blob;
  const request = new XMLHttpRequest();
  request.open("POST", `/api/${name}${file ? `?name=${encodeURIComponent(body.name)}` : ""}`);
  request.setRequestHeader("X-Atrous-Token", token());
  if (file) request.upload.onprogress = (event) => told({ sent: event.loaded, of: event.total });
  request.onprogress = () => {
    const lines = linesOf(request.responseText);
    const last = lines.findLast((line) => "say" in line);
    if (last) told(last);
  };
  return new Promise((resolve, reject) => {
    request.onload = () => {
      const answer = linesOf(request.responseText).at(-1);
      if (answer && "result" in answer) resolve(answer.result);
      else reject(new Error(answer?.error ?? `the server answered ${request.status}, and nothing more`));
    };
    request.onerror = () => reject(new Error("the server does not answer: is atrous explore still running?"));
    request.send(file ? body : JSON.stringify(body));
  });
}

/** The whole lines of an answer as far as it has come. */
function linesOf(text) {
  return text
    .split("\n")
    .slice(0, -1)
    .filter(Boolean)
    .map((line) => {
      try {
        return JSON.parse(line);
      } catch {
        return { error: "the server's answer was cut short" };
      }
    });
}
