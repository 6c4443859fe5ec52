"""Facts about the commands of Poly."""

from .facts import Fact, fact

FACTS: tuple[Fact, ...] = (
    fact(
        "run",
        """Use `poly run TASK "prompt"`: it runs the task once and streams the answer to the terminal.""",
        things="poly run; the run command; the command poly run",
        deeds="""run a task (once/); (execute/call) a task; use a task from the (shell/command line/terminal); get (a
        single/one) answer; run a prompt (from the shell/from the terminal/); ask a task one question; call a task in a
        script; send a prompt to a task; prompt a task""",
        asks="""what does poly run do; which command (runs/executes/calls) a task; how is a task run; what is poly run
        for""",
        test="""I only want one answer in my shell; which verb executes a single task; let a task answer just one
        prompt; invoke a task from bash""",
        dev="fire off a single prompt",
    ),
    fact(
        "chat",
        """Use `poly chat TASK` for a conversation in your normal terminal, line by line; the text stays in your
        scrollback.""",
        things="poly chat; the chat command; the command poly chat; the REPL; the linear chat",
        deeds="""chat (line by line/in the shell/in plain text/without the TUI/in the scrollback); hold a conversation
        (in the shell/in my scrollback/without full screen); use the REPL; talk to a task (line by line/in the
        shell)""",
        asks="""what does poly chat do; is there a (REPL/simple chat/plain chat/line chat); which command (starts a
        simple chat/is for a plain conversation/starts the REPL); what is poly chat for; can I chat without the full
        screen interface""",
        test="""I want to converse without a full screen program; give me a simple line based conversation; which verb
        keeps the talk in my scrollback""",
        dev="plain dialogue in the console please",
    ),
    fact(
        "tui",
        "Use `poly tui`: it opens the terminal interface, where you pick a task and chat with it.",
        things="""poly tui; the TUI; the terminal interface; the (full screen/text) interface; the command poly tui; the
        terminal UI""",
        deeds="""(open/start/launch/show/run/enter) the (TUI/terminal interface/full screen interface/text
        interface/terminal UI/chat screen/user interface); chat in (full screen/the TUI/the terminal interface); get a
        (full screen/graphical/terminal) interface""",
        asks="""what does poly tui do; is there a (terminal interface/TUI/user interface/GUI/screen interface/full
        screen mode); which command (opens/starts/launches) the (TUI/terminal interface/full screen interface); does
        Poly have a (TUI/GUI/user interface/terminal interface); what is the TUI; where is the TUI""",
        test="""bring up the full screen chat; I prefer an interface that fills my terminal; what shall I type to see
        the screen with the task picker; which verb displays the interface""",
        dev="get me into the TUI",
    ),
    fact(
        "quit",
        "Press Ctrl-Q to quit the terminal interface.",
        things="Ctrl-Q; the quit key; the key to quit",
        deeds="""(quit/exit/leave/close/end) (the TUI/the terminal interface/Poly/the program/the interface/the
        chat/this/the app/it); get out (of the TUI/of Poly/of here/); go back to the shell""",
        asks="""which key (quits/exits/closes) (Poly/the TUI/the program/it); what does Ctrl-Q do; quit; exit; how to
        quit; let me out; which key do I press to (quit/leave/exit); what is the shortcut to (quit/exit)""",
        test="""I am done, how do I shut this interface; what keystroke terminates the TUI; I cannot find the way out;
        leave the screen""",
        dev="how do I stop the whole program",
    ),
    fact(
        "escape",
        "Press Esc to stop an answer while it is being written; the part that is there is kept.",
        things="Esc; the Esc key; the escape key; the key to stop an answer",
        deeds="""(stop/cancel/interrupt/abort/halt) (an answer/the answer/a reply/the reply/generation/the output/a
        response/the model while it writes/an answer in the TUI/a running answer); make it stop (writing/talking/)""",
        asks="""which key (stops/cancels/interrupts) (an answer/generation/the answer/the reply); what does
        (Esc/escape/the Esc key) do; can I (stop/cancel/interrupt) (an answer/a reply); the answer is too long, how do I
        stop it; it does not stop (talking/writing); how do I interrupt you; be quiet""",
        test="""the reply goes on forever, make it end; what key breaks off a response; halt the text that is being
        generated; you talk too much, which key shuts you up""",
        dev="cut off the answer half way",
    ),
    fact(
        "alone",
        "Without arguments, `poly` opens the terminal interface on a terminal, and prints its help otherwise.",
        things="poly alone; poly without arguments; the bare poly command",
        asks="""what does (poly alone/the bare poly command/poly without arguments/poly with no arguments) do; what
        happens (if/when) I (type/run/enter) (just/only) poly; can I (run/type/use) poly without (arguments/a command/a
        verb); what if I give no (command/verb/arguments); what does poly do by itself""",
        test="just typing poly, what will happen; is a verb required after poly; poly on its own does what",
        dev="poly and nothing after it",
    ),
    fact(
        "pipe",
        """Pipe text into it: `cat notes.txt | poly run TASK "Summarise this"`. What comes on stdin is joined to the
        prompt.""",
        things="stdin; pipes; piping; standard input",
        deeds="""(pipe/feed/send/pass) (text/a file/output/data) (into/to) (poly/a task/Poly/poly run); use
        (stdin/pipes/standard input/a pipe); give a task a file; read the prompt from (stdin/a file/a pipe); use Poly in
        a pipeline; join a file to the prompt""",
        asks="""does poly run read (stdin/standard input/a pipe); can I use (pipes/a pipe/stdin); does Poly work (in a
        pipeline/with pipes); can the prompt come from (stdin/a file/a pipe)""",
        test="""put the output of another command into a task; is it possible to combine cat and poly; let poly process
        a text file in the shell; does it accept standard input""",
        dev="grep something and hand it to a task",
    ),
    fact(
        "jsonout",
        """Add `--json` to `poly run` to get the text with usage, timings and finish reason as JSON, or `--jsonl` for
        one event per line.""",
        things="--json; --jsonl; the --json option; the --json flag",
        deeds="""get (the output/the result/the answer/the usage/timings/the finish reason) (of poly run/) as JSON; see
        the (timings/usage/finish reason) of a run; print JSON in the shell; use --json; get machine readable output
        (from poly run/)""",
        asks="""what does (--json/--jsonl/the --json option/the --jsonl flag) do; can poly run (print/give/output) JSON;
        is there a (machine readable/JSON) (output/mode) (in the shell/for scripts/for poly run); which (option/flag)
        (prints/gives) (usage/timings/JSON)""",
        test="""my script must parse the result of poly run; how many tokens and seconds did a run take, in a form for
        programs; is there an option for line by line events""",
        dev="JSON from the command line tool",
    ),
    fact(
        "seed",
        "Use `--seed N` with `poly run`: the same seed gives the same text again.",
        things="--seed; the seed; a seed; the --seed option",
        deeds="""get the same (answer/text/output) (again/twice/every time); make (the output/answers/it)
        (reproducible/repeatable/deterministic); set (the/a) (random/) seed; repeat an answer exactly; fix the seed""",
        asks="""what does (--seed/the seed/seed) do; why is the answer different (each time/every time); is the output
        (deterministic/reproducible/always the same); are answers (reproducible/deterministic/repeatable); can I
        (fix/set) the (random/) seed""",
        test="""I need identical results on every run; how can randomness be pinned down; the replies vary, can that be
        avoided""",
        dev="reproduce an earlier output",
    ),
    fact(
        "serve",
        "Use `poly serve` to start the server: it offers all tasks, models and memories over HTTP.",
        things="poly serve; the serve command; the server; the daemon; the command poly serve",
        deeds="""(start/launch/run/bring up/open) the (server/HTTP server/daemon/API/web server/service); serve (my/)
        tasks (over HTTP/to others/); use Poly as a (server/daemon/service); make tasks available (over HTTP/to other
        programs/on the network)""",
        asks="""what does poly serve do; is there a (server/daemon/HTTP server/headless mode); which command
        (starts/launches/runs) the (server/daemon/API); does Poly have (a server/an HTTP server/an API/an HTTP API);
        what is poly serve for; can other programs use (Poly/my tasks)""",
        test="""get the HTTP service going; I want clients to reach my tasks through the web; which verb turns Poly into
        a daemon; switch on the API""",
        dev="spin up the backend for other machines",
    ),
    fact(
        "ingest",
        "Use `poly ingest MEMORY FILE`: it splits the document into chunks, embeds them and stores them in the memory.",
        things="poly ingest; the ingest command; ingest; ingesting; the command poly ingest",
        deeds="""(ingest/import/load/add/store/put/upload/insert) (a file/a document/documents/my notes/a
        PDF/files/texts/my documents) (into a memory/in a memory/to a memory/to Poly/); fill a memory; feed a memory;
        teach a memory my documents; add (knowledge/text) to a memory""",
        asks="""what does poly ingest do; which command (ingests/imports/loads/adds/stores) (files/documents/a file/a
        document); how (are documents/do documents) (get into a memory/added to a memory/stored/ingested); what does
        ingest mean; what is poly ingest for""",
        test="""I have a folder of reports that a memory should know; get my manual into a memory; which verb makes a
        document searchable; let Poly learn my papers""",
        dev="stuff a text file into a memory",
    ),
    fact(
        "recall",
        """Use `poly recall MEMORY "query"`: it prints the chunks of the memory that fit the query best.""",
        things="poly recall; the recall command; recall; the command poly recall",
        deeds="""(search/query/ask/look into) (a memory/my documents/my memory/the memory/my notes); (find/look
        up/recall/get/see) (similar/matching/the nearest/stored/) chunks; (recall/find/look up) something (in a
        memory/from a memory/in my documents); search by meaning""",
        asks="""what does poly recall do; which command (searches/queries/looks into) a memory; what does recall mean;
        can I (search/query) (a memory/my documents); what is poly recall for; how does recall work; what is in a
        memory; is recall by (vector/keyword/meaning); is the search hybrid""",
        test="""which passages of my documents fit a question; look for a topic in what was ingested; which verb does a
        lookup in a memory; test what a memory returns""",
        dev="retrieve pieces about a subject",
    ),
    fact(
        "pull",
        "Download a chat model in GGUF format and name the file in your config; the README shows how.",
        things="""poly model pull; the pull command; the model pull command; a (real/bigger/better) model; the command
        poly model pull""",
        deeds="""(get/download/pull/install/fetch/add) (a/another/some)
        (real/bigger/better/larger/new/good/smarter/stronger/proper) model; (download/pull/fetch) (a model/models);
        replace the starter model; use a (bigger/better/smarter/larger/stronger) model""",
        asks="""what does poly model pull do; which command (downloads/pulls/fetches/gets) (models/a model); where
        (can/do) I (get/find/download) (a model/models/real models/better models); can I (get/have/use) a
        (better/bigger/smarter/real) model; I (need/want) a (bigger/better/smarter/real/larger/stronger) model; what is
        poly model pull for; you are too (small/stupid/dumb/limited); which model should I use; can you recommend a
        model""",
        test="""this starter is not enough for me, I want something cleverer; fetch weights from the net; upgrade to a
        more capable model; how are large models obtained""",
        dev="something with more brains please",
    ),
    fact(
        "modells",
        "Use `poly model ls` to list your models, and `poly model show NAME` for the details of one.",
        things="poly model ls; poly model show; the model list; the command poly model ls",
        deeds="""(list/see/show) (all/my/the/installed/available) models; get (a list of models/details of a
        model/information about a model); show (a model/the details of a model)""",
        asks="""which models (do I have/are there/are installed/are available/are configured); what does poly model
        (ls/show/list) do; which command (lists/shows) (models/my models/all models); what models (do I have/are
        installed)""",
        test="""print an overview of my models; what is installed in the way of models; give me the names of all the
        models""",
        dev="enumerate the models",
    ),
    fact(
        "taskls",
        "Use `poly task ls` to list your tasks, and `poly task show NAME` for the details of one.",
        things="poly task ls; poly task show; the task list; the command poly task ls",
        deeds="""(list/see/show) (all/my/the/available/configured) tasks; get (a list of tasks/details of a
        task/information about a task); show (a task/the details of a task/how a task is set up)""",
        asks="""which tasks (do I have/are there/are available/are configured/exist); what does poly task (ls/show/list)
        do; which command (lists/shows) (tasks/my tasks/all tasks); what tasks (do I have/are there)""",
        test="""print an overview of my tasks; what is configured in the way of tasks; give me the names of all the
        tasks""",
        dev="enumerate the tasks",
    ),
    fact(
        "doctor",
        """Use `poly doctor`: it checks the installation, GPU support, memory, config and models, and says what it
        found.""",
        things="poly doctor; the doctor command; the doctor; the command poly doctor",
        deeds="""(check/test/examine/diagnose/verify) (my/the) (installation/setup/system/machine/install); find out
        (what is wrong/why Poly fails/what is installed/why it does not work); (debug/troubleshoot/diagnose)
        (Poly/problems/a problem); see what is (installed/wrong)""",
        asks="""what does (poly doctor/the doctor/doctor) do; which command (checks/diagnoses/tests) (my
        installation/the setup/problems/my system); (Poly/it/something) (does not work/is broken/fails/is wrong); is my
        (installation/setup/system) (ok/fine/right/healthy/complete); I have (a problem/problems/trouble) with Poly;
        does this build support my GPU; what is poly doctor for""",
        test="""nothing works, how can I learn the cause; is everything installed as it should be; run a health check of
        the setup; which verb looks for faults on my machine""",
        dev="my setup seems sick",
    ),
    fact(
        "configcheck",
        "Use `poly config check`: it reads your config file and reports every mistake in it at once.",
        things="poly config check; the config check; the command poly config check",
        deeds="""(check/validate/verify/test/lint) (my/the) (config/configuration/config
        file/poly.toml/settings/config.toml); find (mistakes/errors/a mistake) in my (config/configuration/config file);
        see if my (config/configuration) is (right/valid/correct)""",
        asks="""what does poly config check do; which command (checks/validates/verifies) the
        (config/configuration/config file); is my (config/configuration/config file) (right/valid/correct/ok); is there
        a mistake in my (config/configuration); what is poly config check for""",
        test="""are there faults in my settings file; before I start, I want to be sure the TOML is correct; proofread
        my configuration""",
        dev="any typos in my toml",
    ),
    fact(
        "configinit",
        "Use `poly config init` to write a first config file with comments; then edit it to your needs.",
        things="poly config init; the config init command; the command poly config init",
        deeds="""(create/write/make/generate/get) (a/the first/a new/my first/an example/a sample/a default)
        (config/configuration/config file/poly.toml/configuration file)""",
        asks="""what does poly config init do; which command (creates/writes/makes/generates) (a/the) (config/config
        file/configuration); is there an example (config/configuration/config file); I have no config (file/yet); what
        is poly config init for; where do I get a config file""",
        test="""there is no config yet, produce one; a template for the settings file, please; how does a fresh
        configuration come about""",
        dev="scaffold a configuration",
    ),
    fact(
        "tokenize",
        "Use `poly tokenize` to see the tokens of a text, or send it to /v1/model/NAME/tokenization on the server.",
        things="""poly tokenize; tokenization; the tokenize command; the tokenization endpoint; the command poly
        tokenize""",
        deeds="""(count/see/list/show) (the/) tokens (of a text/in a text/of a prompt/); tokenize (a text/text/a
        prompt/); split a text into tokens; find out how many tokens a text has""",
        asks="""what does poly tokenize do; which (command/endpoint) (tokenizes/counts tokens/lists tokens/shows
        tokens); how many tokens (has/does) (my text/a text) (have/); can Poly (tokenize/count tokens); what is poly
        tokenize for; what is a token; what are tokens""",
        test="""into which pieces does a model cut my sentence; measure my prompt in tokens; show the token ids of a
        word""",
        dev="token count of a paragraph",
    ),
    fact(
        "embed",
        "Use `poly embed` to turn a text into a vector, or send it to /v1/model/NAME/embedding on the server.",
        things="poly embed; the embed command; the embedding endpoint; the command poly embed",
        deeds="""(get/compute/make/create/calculate) (an embedding/embeddings/the embedding of a text/a vector); turn (a
        text/text) into (a vector/numbers/an embedding); embed (a text/text/a sentence); vectorise a text""",
        asks="""what does poly embed do; which (command/endpoint) (makes/computes/gives/returns) (embeddings/vectors/an
        embedding); can Poly (make/compute) (embeddings/vectors); what is poly embed for""",
        test="""I need the numeric vector for a sentence; convert my text to numbers for a search engine; which verb
        outputs vectors""",
        dev="obtain vectors for words",
    ),
    fact(
        "completion",
        "Use `poly completion bash`, or zsh or fish, to get the script that completes commands with the Tab key.",
        things="poly completion; shell completion; tab completion; the completion command; the command poly completion",
        deeds="""(get/enable/install/set up/turn on) (shell completion/tab
        completion/completion/completions/autocomplete) (for bash/for zsh/for fish/in my shell/); complete commands with
        Tab""",
        asks="""what does poly completion do; is there (shell/tab) completion; does the Tab key work; does Poly
        (complete commands/support tab completion/have completions); what is poly completion for""",
        test="make zsh finish poly's verbs for me; pressing Tab should fill in commands; autocompletion in fish, how",
        dev="I want bash to complete poly",
    ),
    fact(
        "exit",
        "Exit codes are 0 for success, 1 when the work failed, 2 for wrong usage or config, and 130 when interrupted.",
        things="the exit code; the exit codes; exit code (1/2/130); the (exit/return) status; return codes",
        deeds="""see if a command failed; check the exit code; know in a script whether it worked; handle
        (errors/failures) in a script""",
        asks="""what does exit (code/status) (1/2/130/0) mean; which exit (codes/status) (does poly return/are
        there/does Poly use); what (return code/exit code) does (poly/poly run) (return/give); what are the exit
        codes""",
        test="""my script sees status 2, what is that; by which number do I recognise a failure; what is returned to the
        shell after an interruption""",
        dev="meaning of return value 130",
    ),
)
