"""The agent's life on a node: it waits, looks what is due, runs the cleanup, and stays well."""

from dataclasses import dataclass, replace

from preloader.agent import watchdog
from preloader.agent.cleanup import Cleanup, Summary
from preloader.agent.clock import Clock
from preloader.agent.cri.faults import RuntimeFault
from preloader.agent.cri.runtime import Runtime
from preloader.agent.policy import (
    InvalidPolicy,
    MetricsAddress,
    Policy,
    ReportFormat,
    read_policy,
)
from preloader.agent.reporting.health import Health
from preloader.agent.reporting.report import Report
from preloader.agent.retention.act import Outcome, Result
from preloader.agent.retention.plan import Action
from preloader.agent.state import Memory
from preloader.agent.triggers import TICK_SECONDS, Trigger, Triggers

# How often the agent looks which images there are: what it first sees then is as old as that.
LOOK_SECONDS = 30
# How much of what it saw a crash may cost, and how long it seems alive to agents of other pools.
SAVE_SECONDS = 900
# A container that is started anew mounts the runtime's directory anew, and is not READY until the
# runtime answers.
GIVE_UP_SECONDS = 900
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent runs: the node's name and address, and the paths that it is given."""

    node: str
    policy: str
    socket: str
    state: str
    ready: str
    address: str = ""


def serve(place: Place, clock: Clock) -> None:
    """Keeps the node clean, until the runtime has not answered for `GIVE_UP_SECONDS`."""
    health = Health(place.ready)
    health.beat(clock.uptime())
    service = Service(place, _wait_for_policy(place, health, clock), health, clock)
    while not service.gave_up:
        service.tick()
        clock.sleep(TICK_SECONDS)


def run_once(place: Place, clock: Clock) -> Summary:
    """Runs the cleanup now, and reports it. Raises InvalidPolicy."""
    policy = read_policy(place.policy)
    report = Report(policy.report, place.node, policy.pool)
    memory = _open_memory(place, policy)
    cleanup = Cleanup(Runtime(place.socket), policy, memory, clock)
    summary = cleanup.run(Trigger.BY_HAND, report.result)
    report.summary(summary)
    return summary


def show_plan(place: Place, clock: Clock, form: ReportFormat) -> None:
    """Prints what a run would do now. Raises InvalidPolicy, RuntimeFault."""
    policy = read_policy(place.policy)
    report = Report(form, place.node, policy.pool)
    memory = Memory(place.state, policy.pool)
    if memory.path.exists():
        memory.load()
    else:
        report.problem("state", f"{memory.path} is not there: every image counts as old enough")
        policy = replace(policy, minimum_age_seconds=0)
    memory.use_list(policy.images)
    plan = Cleanup(Runtime(place.socket), policy, memory, clock).plan()
    for decision in plan.decisions:
        outcome = Outcome.KEPT if decision.action is Action.KEEP else Outcome.WOULD_REMOVE
        report.result(Result(decision, outcome))


def _open_memory(place: Place, policy: Policy) -> Memory:
    memory = Memory(place.state, policy.pool)
    memory.load()
    memory.use_list(policy.images)
    memory.save()
    return memory


def _wait_for_policy(place: Place, health: Health, clock: Clock) -> Policy:
    """Returns the policy once its file is valid: until then nothing is removed."""
    report = Report(ReportFormat.JSON, place.node, pool="")
    while True:
        try:
            return read_policy(place.policy)
        except InvalidPolicy as error:
            watchdog.alive()
            report.problem("policy", str(error))
            health.why_not = "the policy is invalid"
            health.beat(clock.uptime())
        clock.sleep(TICK_SECONDS)


class Service:
    """One policy, kept on one node."""

    def __init__(self, place: Place, policy: Policy, health: Health, clock: Clock) -> None:
        self._policy, self._health, self._clock = policy, health, clock
        self._report = Report(policy.report, place.node, policy.pool)
        self._runtime = Runtime(place.socket)
        self._memory = _open_memory(place, policy)
        self._cleanup = Cleanup(self._runtime, policy, self._memory, clock)
        self._triggers = Triggers(policy, place.node, self._memory.last_run, clock.now())
        self._is_complete = False
        self._look_at = 0.0
        self._answered_at = clock.uptime()
        self._save_at = clock.uptime() + SAVE_SECONDS
        for about, problem in self._memory.problems.items():
            self._report.problem(about, problem)
        self._place = place
        self._has_endpoint = policy.metrics_port is None
        self._serve_metrics()

    @property
    def gave_up(self) -> bool:
        """Whether the runtime has not answered for so long that a new process should try."""
        return self._clock.uptime() - self._answered_at > GIVE_UP_SECONDS

    def tick(self) -> None:
        """Does what is due, if anything."""
        watchdog.alive()
        uptime = self._clock.uptime()
        if uptime >= self._look_at:
            self._look_at = uptime + LOOK_SECONDS
            self._look()
            self._serve_metrics()
        if uptime >= self._save_at:
            self._save_at = uptime + SAVE_SECONDS
            self._memory.save()
        trigger = self._triggers.due(
            self._clock.now(), uptime, self._used_percent, is_complete=self._is_complete
        )
        if trigger is not None:
            self._run(trigger)
        # The next call may meet another runtime behind the same path.
        self._runtime.close()
        self._beat()

    def _run(self, trigger: Trigger) -> None:
        evict = trigger is Trigger.HIGH_WATER and self._policy.high_water_evicts
        summary = self._cleanup.run(trigger, self._tell, evict=evict)
        self._triggers.ran(trigger, summary, self._clock.now(), self._clock.uptime())
        if summary.fault is None:
            summary.next_run = self._triggers.next_run
        else:
            self._health.why_not = summary.fault
        self._health.ran(summary)
        self._report.summary(summary)

    def _tell(self, result: Result) -> None:
        watchdog.alive()
        self._report.result(result)
        self._beat()

    def _look(self) -> None:
        try:
            self._is_complete = not self._cleanup.look()
        except RuntimeFault as fault:
            self._is_complete = False
            self._unwell(fault)
        else:
            self._report.solved("runtime")
            self._health.why_not = None
            self._answered_at = self._clock.uptime()

    def _used_percent(self) -> float | None:
        try:
            return self._cleanup.used_percent()
        except RuntimeFault as fault:
            self._unwell(fault)
        except OSError as error:
            self._report.problem("disk", f"the image file system cannot be measured: {error}")
        return None

    def _unwell(self, fault: RuntimeFault) -> None:
        self._health.why_not = str(fault)
        self._report.problem("runtime", f"the runtime does not answer: {fault}")

    def _beat(self) -> None:
        if problem := self._health.beat(self._clock.uptime()):
            self._report.problem("ready", problem)

    def _serve_metrics(self) -> None:
        port = self._policy.metrics_port
        if self._has_endpoint or port is None:
            return
        # The HTTP server costs more memory than the rest of the agent, and is off by default.
        from preloader.agent.reporting.endpoint import Endpoint  # noqa: PLC0415

        is_local = self._policy.metrics_address is MetricsAddress.LOOPBACK
        address = LOOPBACK if is_local else self._place.address
        if not address:
            self._report.problem("metrics", "no metrics: NODE_ADDRESS does not say the address")
            return
        try:
            Endpoint(address, port, self._health, self._clock)
        except OSError as error:
            why = f"no metrics on {address} port {port} as long as it says: {error.strerror}"
            self._report.problem("metrics", why)
        else:
            self._has_endpoint = True
            self._report.solved("metrics")
