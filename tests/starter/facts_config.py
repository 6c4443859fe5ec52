"""Facts about the config file, the server's keys, and how to add tasks, models and memories."""

from .facts import Fact, fact

FACTS: tuple[Fact, ...] = (
    fact(
        "configplace",
        """Poly looks for its config at --config, then POLY_CONFIG, then ./poly.toml, then
        $XDG_CONFIG_HOME/poly/config.toml. Without any, it uses the starter model.""",
        things="""the (place/location/path) of the config; POLY_CONFIG; --config; poly.toml; the search order of the
        config""",
        deeds="""use (another/a different/my own) config file; find (the/my) config (file/); change the settings; choose
        the config file; tell Poly which config to use; change the configuration; configure Poly""",
        asks="""where (is/lies/does Poly look for/does Poly find/do I put/do I find) (the/my)
        (config/configuration/config file/settings/settings file); which (config/config file) (is used/does Poly
        read/does Poly use); what is POLY_CONFIG; where are the settings; is a config file (needed/required/necessary);
        where should my config go; what does --config do; what is the path of the config file""",
        test="""in which folder are settings expected; from what file does Poly take its options; point Poly at another
        settings file; what happens when there is no configuration""",
        dev="whereabouts of the settings",
    ),
    fact(
        "toml",
        """The config is a TOML file with tables such as [models.NAME], [tasks.NAME] and [memories.NAME]. An unknown key
        is an error.""",
        things="the format of the config; the config format; TOML; the structure of the config; an unknown key",
        deeds="write the config file; edit the config; structure the config",
        asks="""(which/what) (format/syntax/language) (has/is/does) the (config/config file/configuration)
        (have/in/use/); is the config (TOML/YAML/JSON); which tables are in the config; what does (the/a) config (file/)
        (look like/contain); what is TOML; what happens with (an unknown/a misspelt/a wrong) key; does the config use
        TOML""",
        test="""should settings be written in YAML; what is the layout of the settings file; how does Poly react to a
        typo in a key""",
        dev="syntax for the settings",
    ),
    fact(
        "newtask",
        """Add a table [tasks.NAME] to the config with `model = "..."`, and add prompts, limits or a memory as you
        like.""",
        things="[tasks.NAME]; the tasks table; a new task",
        deeds="""(create/add/define/make/set up/write/configure) (a/a new/my own/another/my first) task; put a task in
        the config""",
        asks="""where (do tasks go/are tasks defined/do I define tasks); how (is/are) (a task/tasks/a new task)
        (defined/created/added/configured); what does a task need in the config; what goes into [tasks.NAME]""",
        test="I would love a task of my own; what must I write to have one more task; let me invent a task",
        dev="bring a further task into being",
    ),
    fact(
        "newmodel",
        """Add a table [models.NAME] to the config with `model_path = "file.gguf"`, or with a `url` to download it
        from.""",
        things="[models.NAME]; the models table; model_path; the model path; the url of a model",
        deeds="""(add/configure/define/use/set up/register/load) (my own/a local/a downloaded/another/a) (model
        file/GGUF file/GGUF/model in the config); put a model in the config; use a GGUF file (I have/from disk/that I
        downloaded); tell Poly where my model is""",
        asks="""where (do models go/are models defined/do I put my model file/do I put a GGUF file); what is
        (model_path/the model path/the url of a model) (for/); what does a model need in the config; what goes into
        [models.NAME]; I have a GGUF file, how do I use it""",
        test="""there is a gguf on my disk, make Poly use it; register weights that I already have; which key holds the
        file of a model""",
        dev="hook up my local weights",
    ),
    fact(
        "newmemory",
        """Add a table [memories.NAME] to the config with an embedding_model, and name it in the task's memorization so
        that the task can recall from it.""",
        things="""[memories.NAME]; the memories table; embedding_model; the embedding_model key; a new memory;
        memorization""",
        deeds="""(create/add/define/make/set up/configure) (a/a new/my own/another/my first) memory;
        (give/attach/connect/link) (a task a memory/a memory to a task); put a memory in the config; use a memory in a
        task""",
        asks="""where (do memories go/are memories defined); how (is/are) (a memory/memories)
        (defined/created/configured); what does a memory need in the config; what goes into [memories.NAME]; what is
        (memorization/embedding_model) (for/); how does a task use a memory""",
        test="""I would love a memory of my own; a task should consult my documents, how do I connect them; what must I
        write to have one more memory""",
        dev="bring a further memory into being",
    ),
    fact(
        "address",
        "The server listens on 127.0.0.1:3000 by default; change it with bind_address in the config.",
        things="""bind_address; the (default/) (port/address); the (port/address/URL) of the server; localhost; port
        3000""",
        deeds="""(change/set) the (port/address/bind address/host) (of the server/); use another (port/address); reach
        the server (from another machine/); listen on another (port/address); open the server to the network; connect to
        the server""",
        asks="""(which/what) (port/address/URL/host) (does Poly use/does the server use/does it listen on/is used/is the
        default); where does (the server/Poly) listen; what is (bind_address/the default port/the default address)
        (for/); port 3000 is (taken/in use/busy); on which (port/address) does it (run/listen)""",
        test="""3000 is occupied by something else; at what location do I contact the daemon; let the service bind to a
        different interface; where in the network can my browser find it""",
        dev="other number instead of 3000",
    ),
    fact(
        "keys",
        "List keys in allowed_keys in the config; clients send one as `Authorization: Bearer KEY`.",
        things="""allowed_keys; an API key; API keys; authentication; access control; the key of the server; the
        allowed_keys setting""",
        deeds="""(protect/secure/lock) (the server/my server/the API); (set/add/use/create/send/configure) (an API
        key/API keys/a password/a key); (restrict/control/limit) access (to the server/); log in (to the server/to the
        API/); authenticate; require a key; add authentication""",
        asks="""where do API keys go; is there (authentication/a password/a login/access control); how do clients (log
        in/authenticate/send the key); what (is/are) (allowed_keys/API keys) (for/); how (is/can) the server (be/)
        (protected/secured); which header holds the key; does Poly have authentication; I get (401/unauthorized/an
        authorization error)""",
        test="""nobody without a secret should use my server; keep strangers away from the API; what does a client put
        in its header; a passphrase for the daemon""",
        dev="guard the service against intruders",
    ),
    fact(
        "public",
        "Set `public = true` to let everybody use the server without a key. Do that only on a network you trust.",
        things="public; public = true; the public setting; public mode; the key public",
        deeds="""(turn off/disable/switch off/remove/skip) (authentication/keys/the password/the login/access control);
        allow access without (a key/keys/authentication/a password); make the server (public/open/open to all); use the
        server without a key; let (everybody/everyone/anybody) use the server""",
        asks="""what does public (= true/do/mean); can I use (it/the server/the API) without a key; is a key
        (required/needed/necessary); what is public mode; does the server (need/require) a key; can the server be
        (public/open)""",
        test="I do not want any passwords on my home network; free access for all clients; drop the need for keys",
        dev="no login for anyone",
    ),
    fact(
        "origins",
        "List the web pages that may call the server in allowed_origins; unset means that any may.",
        things="allowed_origins; CORS; the allowed_origins setting; cross-origin requests",
        deeds="""(set up/configure/allow/restrict) (CORS/origins/cross-origin requests); let (a web page/my web page/a
        website/a browser page) call the server; limit which (web pages/websites/origins) may call the server; fix a
        CORS error""",
        asks="""what (is/does) allowed_origins (for/do/); does Poly support CORS; which (web pages/origins/websites) may
        call the server; I get a CORS error; is CORS supported""",
        test="""my browser blocks requests to the daemon because of the origin; only my own site should be able to fetch
        from it; where are permitted origins kept""",
        dev="cross site calls refused",
    ),
)
