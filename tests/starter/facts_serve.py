"""Facts about the server and its HTTP interface."""

from .facts import Fact, fact

FACTS: tuple[Fact, ...] = (
    fact(
        "openai",
        """Yes. `poly serve` offers /v1/chat/completions and its relatives, so OpenAI clients work; a task is a model
        there.""",
        things="the OpenAI (API/endpoint/interface); OpenAI compatibility; /v1/chat/completions",
        deeds="""use (an OpenAI client/the OpenAI library/the OpenAI API/OpenAI clients/the OpenAI SDK); connect (an
        OpenAI client/the OpenAI library/LangChain); call chat completions""",
        asks="""is Poly (compatible with/like) OpenAI; does Poly (have/offer/support/speak) (an OpenAI API/the OpenAI
        API/the OpenAI protocol/chat completions); can I use (OpenAI clients/the OpenAI library/my OpenAI code/the
        OpenAI SDK) (with Poly/); do OpenAI (clients/libraries/programs) work (with Poly/); which OpenAI endpoints are
        there""",
        test="""my software was written for OpenAI, will it talk to Poly; is there a drop-in replacement for the GPT
        interface; point the openai package at Poly""",
        dev="will code for the ChatGPT API run",
    ),
    fact(
        "live",
        "GET /v1/task/NAME/live?prompt=... streams the answer as server-sent events, token by token.",
        things="the live endpoint; server-sent events; SSE; the streaming endpoint; HTTP streaming",
        deeds="""stream (tokens/an answer/the output/answers) (over HTTP/from the server/over the API/); get tokens one
        by one (over HTTP/); use (server-sent events/SSE/the live endpoint); receive tokens as they come""",
        asks="""can the (server/API) stream; is there (a streaming endpoint/streaming/SSE/a live endpoint); which
        endpoint (streams/is for streaming/sends events); does Poly support (streaming/SSE/server-sent events)""",
        test="""my web page should show the answer while it grows; which route sends events; tokens over HTTP as soon as
        they exist""",
        dev="an event stream from the server",
    ),
    fact(
        "socket",
        "Open a WebSocket on /v1/task/NAME/chat: each text frame is one user turn, and an empty frame ends the answer.",
        things="the chat endpoint; the WebSocket; the WebSocket endpoint; the WebSocket API",
        deeds="""(chat/hold a conversation/talk) over (a WebSocket/the API/the network/HTTP); use (the WebSocket/a
        WebSocket/WebSockets); connect a WebSocket; keep a conversation open over the API""",
        asks="""is there a (WebSocket/chat endpoint/WebSocket API); which endpoint is for
        (chat/WebSockets/conversations); does Poly (have/support/offer) (WebSockets/a WebSocket/a chat endpoint); how do
        WebSockets work (in Poly/)""",
        test="""a two-way connection for conversations, where; what frames does the chat route exchange; my browser
        client wants a socket""",
        dev="bidirectional chat with the server",
    ),
    fact(
        "health",
        "GET /status or /healthz tells whether the server is alive; neither needs a key.",
        things="the (health/status) endpoint; /status; /healthz; the health check",
        deeds="""check (if/whether) the server (is up/is running/is alive/works); (see/get) the status of the server;
        monitor the health of the server; do a health check on the server""",
        asks="""is the server (up/running/alive/ready); is there a (health/status) (endpoint/check/route); which
        endpoint (tells/shows) (the status/if the server is alive/the health); does Poly have a health check""",
        test="""my load balancer has to know that the daemon lives; which URL do I ping; find out whether the service
        responds""",
        dev="probe the daemon for life",
    ),
    fact(
        "stats",
        "GET /v1/stats shows tokens and times for each task, and /metrics gives figures for Prometheus.",
        things="the stats endpoint; /v1/stats; /metrics; the metrics; statistics; Prometheus metrics",
        deeds="""see (statistics/stats/metrics/usage/figures) (of a task/of the server/); measure the speed of the
        server; count the tokens of each task; monitor usage; connect Prometheus; watch the load of the server""",
        asks="""does Poly (count tokens per task/have metrics/have statistics/support Prometheus); which endpoint
        (has/shows/gives) (statistics/metrics/usage/stats); are there (metrics/statistics/stats); how much was each task
        used""",
        test="""numbers for my Grafana dashboard; how busy was each task so far; where do I read the total time spent
        per task""",
        dev="scrape figures from the daemon",
    ),
    fact(
        "token",
        "Use `poly token` to make a signed token (JWT) that may be limited to some tasks, models and memories.",
        things="poly token; a JWT; JWT; a signed token; a scoped token; JWTs; the command poly token",
        deeds="""(make/create/get/sign/issue) a (JWT/signed token/token for a user/scoped token/access token); limit (a
        user/a client/somebody) to (one task/some tasks/one memory); give (a user/a friend/a client) access to (one
        task/some tasks) only""",
        asks="""does Poly (support/have/use) (JWT/JWTs/tokens for users/signed tokens); which command
        (makes/creates/issues/signs) (tokens/JWTs/a JWT); what does poly token do; can a user be limited to (one
        task/some tasks); what is poly token for; what is jwt_private_key (for/); what is a JWT""",
        test="""a colleague should reach a single task and nothing else; credentials with a narrow scope, how; who
        issues the web tokens""",
        dev="restrict someone to the summary task",
    ),
)
