# What the pages say.

waiting = Waits for you
waiting-blank = Nothing waits for you.
stuck-undo = { $value } could not be undone
stuck-supervisor = Supervisor { $value } failed, and all beneath it rests
stuck-schedule = Has no runs: { $value }
stuck-run = Nobody knows whether what { $value } did last happened
untold = { $value } was not told that something waits.
urgent = Urgent
why-refuted = { $value } still refutes it in the last round.
batch-text = What it is about
batch-document = What differs from { $value }
batch-rejected = What differs from what was rejected
batch-approved = What differs from what was approved before
batch-about = Decides those whose box is ticked, each as it is shown here. What has no box takes a look of its own: it is long, takes another role, or an answer of its own.
batch-approve = Approve those chosen
batch-reject = Reject those chosen
batch-decided = Decided:
batch-left = Left as they are:
why-checks = What must hold of it still doesn’t, in the last round.
why-unreviewed = Nobody reviewed this: no other agent looked at what { $value } made.
unreviewed = Not reviewed
why-unread = The answer of { $value } holds no verdict that can be read.
decided = Decided
decided-blank = Nothing was decided yet.
decided-approved = Approved by { $value }
decided-by-rule = By a standing rule of theirs: nobody looked at it.
decided-rejected = Rejected by { $value }
working = At work now
working-blank = Everybody rests.
feed-happened = What happened
feed-blank = Nothing happened yet. Make an agent and give it work:
feed-blank-how = What it does appears here by itself.
count-agents = Agents at work
count-tasks = Open tasks
count-runs = Runs today
count-spent = Spent today
count-failed = { $count } failed
avoided = Avoided
avoided-calls = { $n ->
    [one] { $count } answer without a model
   *[other] { $count } answers without a model
}

agents-blank = There is no agent yet. Make one:
agent-run = Run
agent-give = Give it work
agent-may = May use
agent-may-nothing = Nothing outside its sandbox.
agent-models = Models
agent-models-any = whichever can do what it wants
agent-data = Data
agent-data-stays = stays in the country
agent-data-leaves = may leave the country
agent-run-max = A run costs at most
agent-unpriced = It may ask models without a price. No budget holds what they cost; the tokens of a run do.
runs-count = { $n ->
    [one] { $count } run
   *[other] { $count } runs
}
runs-none = No run matches.
runs-blank = Nothing ran yet.
last-run = Last run
never-run = Never ran
agent-log = What it did on a day
agent-log-none = Nothing on this day
agent-log-failed = came to nothing
agent-log-rest = The rest of the day
did-started = Began a run
did-attempt = An attempt failed:
did-ended = Ended:
did-note = Noted:
did-learned = Learned:
did-tool = Called
did-asked = Asked
did-document = Wrote
did-said = Said:
did-handed = Handed over to
schedules-blank = Nothing happens at a time yet. Say when:
schedules-more = More schedules
done-before = An earlier run did it under the same key
earlier-attempt = Done; an earlier attempt failed:
schedule-waits-for = Waits for { $value }, which isn’t there
schedule-next = Next times
schedule-pause = Pause
schedule-resume = Go on
schedule-run = Run now
schedule-missed-runs = Times that passed without a run
schedule-catch-up-max = At most
schedule-overlap = While the run before still works
schedule-jitter = Begins later by up to
schedule-until = Until
schedule-times-max = Times at most
schedule-runs = Last runs
schedule-missed = { $n ->
    [one] { $count } missed time
   *[other] { $count } missed times
}
no-budget = No budget
made = Made
digest = Component

status = Status
agent = Agent
plan = plan
paused = paused
input = Input
output = Output
steps = Steps
said = As it is written
steps-blank = No step yet.
started = Started
duration = Duration
cost = Cost
fuel = Fuel
task = Task
tier = Tier
calls = Calls to the outside
calls-count = { $n ->
    [one] { $count } call
   *[other] { $count } calls
}
calls-left = { $n ->
    [one] { $count } more call isn’t shown here; the time line shows it.
   *[other] { $count } more calls aren’t shown here; the time line shows them.
}
call-unread = not looked up yet; the time line shows what was asked
log = Log
log-blank = Nothing logged yet.
log-earlier = { $n ->
    [one] { $count } earlier line isn’t shown; naos logs shows it.
   *[other] { $count } earlier lines aren’t shown; naos logs shows them.
}
log-cut = { $n ->
    [one] { $count } byte was left out
   *[other] { $count } bytes were left out
}
log-left-out = { $n ->
    [one] { $count } line was left out: the log of a run is full.
   *[other] { $count } lines were left out: the log of a run is full.
}
attempts = { $n ->
    [one] { $count } attempt
   *[other] { $count } attempts
}
cut = The beginning only, of { $count } bytes.
run-note = Say something to it: it hears it with its next turn
run-note-button = Say it
run-cancel = Cancel this run
plan-paused = It is paused.
plan-paused-with = It is paused with
plan-go-on = Go on
plan-pause = Pause
plan-open-step = Open step
plan-skip = Skip step
to-run = See the run
to-approval = See the approval
picture = Picture
picture-words = As text
picture-after = after { $value }
picture-large = Too many steps to be drawn; they are listed below.
picture-times = How long each took
waits-for = Waits for { $value }
items = Items
items-done = { $part } of { $whole } done
items-failed = { $n ->
    [one] one failed
   *[other] { $count } failed
}
items-window = { $n ->
    [one] one at a time
   *[other] { $count } at a time
}

decide = Decide
approval-cost = It costs { $value } at most.
expires = Ends
review = Review
review-none = Nobody reviewed this.
checks = Checked without a model
check-holds = Holds
check-fails = Doesn’t hold
check-edited = (before a person edited it)
comment = Comment
approve = Approve
reject = Reject
sources = Sources
version = version { $count }
document-blank = This document is empty.
documents-prefix = Path begins with
documents-query = Search
documents-unfound = { $n ->
    [one] Nothing fits in { $n } document.
   *[other] Nothing fits in { $n } documents.
}
documents-left-out = { $n ->
    [one] { $n } document wasn’t looked through: there was no room. Say how its path begins.
   *[other] { $n } documents weren’t looked through: there was no room. Say how their paths begin.
}
documents-blank = There is no document yet. Agents write them, and so can you:
documents-none = No document’s path begins so.
documents-more = More documents
document-open = Read it
document-bytes = { $n ->
    [one] { $count } byte
   *[other] { $count } bytes
}
document-versions = Versions
document-versions-count = { $n ->
    [one] { $count } version
   *[other] { $count } versions
}
document-versions-none = Nothing was written here as far back as was looked.
document-gone = Taken away
document-erased = Erased: nobody can read it any more
document-erasure = Erased, for good: versions
document-diff = What changed
document-same = Nothing differs.

action = Action
who = Who or what
verify = Verify
verified-good = { $n ->
    [one] Verified: { $count } entry, and nobody changed it
   *[other] Verified: { $count } entries, and nobody changed one
}
verified-bad = The journal does not verify from entry { $count } on
verified-bad-how = Stop the daemon, keep the directory as it is, and run naos doctor.
root = Root
checkpoints = Checkpoints
audit-none = No entry matches.
looked-none = Nothing found yet: entries { $part } to { $whole } of the journal were looked at.
looked-some = That is all in entries { $part } to { $whole } of the journal; older ones weren’t looked at.
look-on = Look on
happened-more = Look further back in the journal
audit-blank = The journal is empty.

events-published = Published
events-orphans = Nobody listened to
events-dead = Put aside
events-consumers = Who listens
events-newest = Newest events
events-none = No event matches.
events-blank = Nothing was published.
event-type = Type
event-source = Source
event-correlation = Conversation
event-category = Category
event-any = Any
event-replay = Give it again
event-drop = Give it up
event-in-flight = Under way:
event-done = Done:
event-orphan = Nobody listened
event-erased = (erased)
event-time = Published
event-place = Place in the journal
event-by = Published by
event-causation = Caused by
event-content = What its data is
event-data = Data
event-whole = All of it:
event-whole-command = naos events show
event-about = What else it says of itself
event-got = Who got it
event-got-none = Nobody has it now, and it set nothing off.
event-got-began = It set off
event-got-events = It made of it, in events:
event-got-waits = It is still to be given.
event-got-held = It has it, and is not done with it.
event-given = { $n ->
    [one] Given once
   *[other] Given { $count } times
}
event-acted = Before it failed it did something that can’t be done twice: look at its run before it is given again.
delivery-paused = Nothing is delivered: a person paused it.
delivery-gone = Nothing is delivered: its receiver answered that it is gone for good.

today = Today
month = This month
reserved = Reserved
spent = Spent
budget = Budget used
budgets = Budgets
all-agents = All agents together
budgets-blank = No budget is set. Set one:
at-limit = At the limit:
answers = Answers
costs-days = Spent per day
costs-agents = By agent
costs-tiers = By tier
costs-models = By model
costs-models-away = These sums are being made again: look later.
costs-model = Model
tokens-in = Tokens read
tokens-cached = of them kept
tokens-out = Tokens written
costs-incidents = Billed too high
costs-overbilled = { $n ->
    [one] { $count } answer was billed higher than what it could cost: the agent was stopped, its run says N0222.
   *[other] { $count } answers were billed higher than what they could cost: the agents were stopped, their runs say N0222.
}
costs-overbilled-none = No answer was billed higher than what it could cost.
unpriced = unpriced
costs-unpriced = No budget holds what unpriced models cost: nobody said what that is. Each run ends at its agent’s tokens.
costs-blank = Nothing was spent.

supervisors-blank = There is no supervisor yet. Make one:
supervisor-restarts = { $part } of { $whole } restarts
supervisor-window = within
supervisor-reset = Reset
supervisor-missing = Not there yet
supervisor-parent = Watched by
supervisor-since = Stands so since
supervisor-restarted = Restarts ever
restarts-count = { $n ->
    [one] restarted { $count } time
   *[other] restarted { $count } times
}

flows-blank = Nothing runs as steps yet. Make a workflow:
flow-enabled = set off by itself
flow-disabled = nothing sets it off
flow-enable = Let it be set off
flow-disable = Let nothing set it off
flow-kept = This version of naos only kept it: apply it again to run it.
steps-count = { $n ->
    [one] { $count } step
   *[other] { $count } steps
}
plan-resume = Go on where it failed
plan-reset = Give it up as it stands
plan-undone = Resolve: it is undone, go on with the rest
plan-retry-undo = Retry compensation
plan-decide = What to do
plan-not-undone = { $value } could not be undone.

pools-blank = There is no pool yet. Make one:
pool-size = Size
pool-scale = Set the size
pool-drain = Take no more work
pool-start = Take work again
pool-tasks = Tasks, one on each line
pool-submit = Give it the batch
pool-history = Batches
pool-batches = { $n ->
    [one] { $count } open batch
   *[other] { $count } open batches
}
pool-working = { $n ->
    [one] { $count } open task
   *[other] { $count } open tasks
}

drivers-blank = Nobody answers events yet. Say who does:
driver-builtin = Built in:
driver-open = { $part } of { $whole } at once
driver-queue = { $n ->
    [one] { $count } event waits
   *[other] { $count } events wait
}
driver-per = in
driver-errors = { $count } % of the last answers failed
driver-rests = Failed too often; rests until
driver-reset = Try it now
driver-enable = Give it events
driver-disable = Give it no more events
driver-breaker = Breaker
driver-in-a-row = Failures in a row
driver-in-a-row-of = { $part }, rests at { $whole }
driver-pause = First rests for
driver-answered = Answered
driver-failed = Failed
driver-timeout = Time for an answer
driver-attempts = Asked for the same at most
driver-failed-last = Failed the last time
driver-answers = Last answers
driver-answers-none = It answered nothing yet.
driver-well = Answered
driver-ill = Failed
driver-manifest = Manifest

task-new = New task
task-new-button = Put it on the board
task-title = What it is called
task-brief = What is to be done
task-result = Result
task-thread = Thread
task-thread-blank = Nothing was said yet. @name calls an agent.
task-say = Say something; @name calls an agent, @all all of them
task-say-button = Say it
task-to = Whose it is
task-then = Then
task-reviewer = Reviewer
task-approve = Approved by
task-priority = Priority
task-labels = Labels
task-cc = Hears of it
task-attached = Documents
task-due = due
task-begins = begins
task-steps = Its steps
task-part-of = part of
task-part = part
task-after = after
task-unblocks = before
timeline = Time line
timeline-open = Step through what it thought and did
timeline-blank = The run made no call yet: there is nothing to step through.
timeline-before = The one before
timeline-after = The next one
timeline-model = Asked the model
timeline-shown = What it was shown
timeline-part = a part of it
timeline-left-out = What it wasn’t shown
timeline-tools = What it could call
timeline-asked = What was asked
timeline-said = What came back
timeline-earlier = Earlier calls
timeline-later = Later calls
timeline-unread = What was asked wasn’t found yet: so much else happened meanwhile.
timeline-go-on = Look further
timeline-wants = What it wants to have called
run-replay = Carried out once more from the journal and compared byte for byte:
run-replay-command = naos replay
what-if = What if
what-if-of = beside
what-if-from = from turn
what-if-model = with the model
what-if-prompt = With this prompt
what-if-turns = Turns
what-if-original = Original
what-if-same = The answers are the same.
what-if-diff = How the answers differ
what-if-cut = More differs than is shown.
what-ifs = What-ifs
what-if-ask = What if another model, or another prompt?
what-if-from-label = From which turn on
what-if-model-label = Model
what-if-as-it-was = As it was
what-if-prompt-label = Prompt; empty leaves it as it was
what-if-begin = Let it go on so
what-if-no-effect = Costs its own answers; nothing that it does reaches anybody.
task-begin = Begin now
task-again = Go on
task-made = made of it
task-refuted = refuted in that
task-rejected = A person rejected that
task-finish = It is done
task-cancel = Cancel
task-hand = Hand over to
task-hand-note = What they should know
task-hand-button = Hand over

approval-edit = Change it before you approve
approval-edit-label = What is approved
approval-answer = Your answer

inbox-handle = In threads you are called @{ $value }.
inbox-no-handle = Nobody can call you in threads yet: an owner gives you a word with naos member handle.
inbox-blank = Nothing here yet. Who calls you in a thread, gives you a task or works on one that you follow is heard of here.
inbox-seen = All seen
inbox-called = You were called by
inbox-said = Said by
inbox-assigned = Yours now, by
inbox-ended = Ended, by
inbox-delegated = The answer is left to you by
inbox-left-behind = Whoever the answer was left to is gone, says
inbox-shown = Shown by
inbox-standup = Told by the schedule
task-follow = Hear of it
task-mute = Hear no more of it
approval-leave = Leave the answer to somebody
approval-leave-to = @name or the id of a member
approval-leave-note = What they should know
approval-leave-button = Leave it to them
approval-left = The answer was left to { $value }
approval-gone = Who it was left to is gone or answers no more
rules = Standing rules
rule-taken = Answered with yes in the name of
rule-until = until
rule-answers = answers so far:
rule-lapsed = It holds no longer: { $value }
rule-offered = Answered with yes so often in a row:
rule-take = Always say yes for 30 days
rule-end = End it
rule-decline = Don’t offer it
