"""Somebody talks, pauses, and a function answers."""

import copy
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ..core.audio.frames import Samples
from ..core.models import PauseDetectionModel, VoiceActivityModel
from ..core.ports import Call
from ..core.speech_meter import FrameMeter, SpeechMeter, WindowMeter
from ..core.turns import AlgoOptions, EndOfTurn, Turns
from .backlog import BACKLOG
from .by_hand import say_by_hand
from .conversation import Conversation, TurnTaker, function_of
from .determined_turns import AppState, DeterminedTurns, determine
from .from_thread import CallLoop
from .reply import Interrupted
from .vad.choose import voice_activity_model
from .vad.pause_model import PauseModel, with_threshold
from .vad.segments import SileroVadOptions

__all__ = ("ReplyOnPause",)


class ReplyOnPause:
    """Answers each turn of the talker by a function, on every transport.

    fn: `fn((sample_rate, audio), *inputs)`: a function, a generator function, a coroutine function
        or an async generator function. Audio is the turn: int16 of shape (1, n), from 300 ms before
        the first speech to the pause behind the last. Returned or yielded: sound, `(sample_rate,
        array)` of any rate, or an `AudioFrame`; `AdditionalOutputs`; `CloseStream`; a tuple of
        sound and these; None for nothing. What blocks runs in worker threads. An exception is
        logged and told to the client, and the next turn comes.
    startup_fn: the same without the sound, called once when the call begins: a greeting.
    algo_options: when a turn starts, ends and interrupts.
    model_options: `SileroVadOptions`, of which the threshold counts here; or whatever else a
        `model` of FastRTC's kind is to be given.
    can_interrupt: whether speech ends a reply at once. Otherwise nothing is heard until the reply
        has been played to its end.
    expected_layout, output_frame_size: as FastRTC has them; sound is mono here, paced by itself.
    output_sample_rate, input_sample_rate: Hz, 8,000 to 48,000; taken over by the stream.
    model: a `VoiceActivityModel`, or an object with FastRTC's `vad((rate, array), options)`.
    needs_args: whether a turn waits for inputs that all have defaults.
    vad: "auto" (Silero where it is installed), "compact" or "silero"; not used with a `model`.
    inputs_timeout: seconds. A function with parameters that have no default waits for inputs; the
        client is asked. Then it is told of the error, and the turn is skipped.
    on_interrupt: called with `Interrupted` when a reply was cut off: what of it was heard. May be a
        coroutine function.
    end_of_turn: `end_of_turn(samples, sample_rate)` is asked at each candidate pause, in a worker
        thread: how many seconds more the talker may be silent; 0 to end the turn now.

    Each call runs on a shallow copy: `stream.handlers[call_id]`; a subclass with state of its own
    for each call overrides `copy`. For streams whose modality has sound. Raises TypeError and
    ValueError for what does not fit.
    """

    listens = True
    """Whether it is of no use without sound."""
    audio_backlog = BACKLOG
    """Seconds of received sound that wait to be heard: a recording may be sent at once, and a
    detector catches up.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        startup_fn: Callable[..., Any] | None = None,
        algo_options: AlgoOptions | None = None,
        model_options: Any = None,
        can_interrupt: bool = True,
        expected_layout: str = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 24000,
        model: PauseDetectionModel | VoiceActivityModel | None = None,
        needs_args: bool = False,
        *,
        vad: str = "auto",
        inputs_timeout: float = 60.0,
        on_interrupt: Callable[[Interrupted], Any] | None = None,
        end_of_turn: EndOfTurn | None = None,
    ) -> None:
        if output_frame_size is not None:
            warnings.warn("output_frame_size has no effect: sound is paced", stacklevel=2)
        if expected_layout not in ("mono", "stereo"):
            raise ValueError(f"expected_layout is mono or stereo, not {expected_layout!r}")
        if not inputs_timeout > 0:
            raise ValueError(f"inputs_timeout is more than 0 seconds, not {inputs_timeout!r}")
        self.fn = fn
        self.input_sample_rate = input_sample_rate
        self.output_sample_rate = output_sample_rate
        self.algo_options = algo_options or AlgoOptions()
        self.model_options = model_options
        self._activity, self.model = _models(model, vad, model_options)
        self.can_interrupt = can_interrupt
        self.phone_mode = False
        self.live: dict[str, Any] = {}
        """The copies that run calls, by call id."""
        self._function = function_of(fn, 1, needs_args)
        self._greeting = None if startup_fn is None else function_of(startup_fn, 0)
        self._inputs_timeout = inputs_timeout
        self._on_interrupt = on_interrupt
        self._end_of_turn = end_of_turn
        self._running: _Running | None = None

    def copy(self) -> "ReplyOnPause":
        """What handles the next call."""
        return copy.copy(self)

    @property
    def call(self) -> Call:
        """The call that this copy handles. Raises RuntimeError on what was given to the stream."""
        return self._here.call

    @property
    def latest_args(self) -> list[Any]:
        """The newest inputs, behind a placeholder."""
        return ["__webrtc_value__", *self.call.inputs]

    def trigger_response(self) -> None:
        """Answer at once what was said so far, from any thread; fn gets an array of shape (1, 0)
        when that is nothing. Does nothing during a reply that must not be interrupted.
        """
        running = self._here
        running.loop.soon(running.conversation.trigger)

    def clear_queue(self) -> None:
        """Drop the sound that was given and nobody has heard yet, from any thread; the reply goes
        on with what it gives next.
        """
        running = self._here
        running.loop.soon(running.call.interrupt)

    async def send_message(self, message: str) -> None:
        """Send a JSON text such as `{"type": "log", "data": "..."}` as the message that it is, any
        other as the data of a `message`.
        """
        await say_by_hand(self.call, message)

    def send_message_sync(self, message: str) -> None:
        """The same for worker threads. Raises SessionClosed when the call ends meanwhile."""
        self._here.loop.ask(partial(self.send_message, message))

    def determine_pause(self, audio: Samples, sampling_rate: int, state: AppState) -> bool:
        """Whether the turn is over. To be overridden by who wants to decide this: then it is called
        after each 20 ms, in a worker thread, with the sound in `state.buffer`, int16 of shape (n,),
        and its rate in Hz, and it keeps `state` itself. This one is FastRTC's rule on whole
        windows; where it is not overridden, the turns are found frame by frame.
        """
        options = self.algo_options
        if len(audio) < options.audio_chunk_duration * sampling_rate:
            return False
        speech, _ = self.model.vad((sampling_rate, audio), self.model_options)
        return determine(audio, sampling_rate, state, options, speech)

    async def __call__(self, call: Call) -> None:
        mine = self.copy()
        self.live[call.id] = mine
        try:
            await mine._converse(call)
        finally:
            # Another stream with this handler may have a call of the same id by now.
            if self.live.get(call.id) is mine:
                del self.live[call.id]

    async def _converse(self, call: Call) -> None:
        conversation = Conversation(
            call,
            self._turns(call.sample_rate),
            self._function,
            can_interrupt=self.can_interrupt,
            inputs_timeout=self._inputs_timeout,
            on_interrupt=self._on_interrupt,
            phone_mode=self.phone_mode,
        )
        self._running = _Running(call, CallLoop(), conversation)
        try:
            await conversation.run(self._greeting)
        finally:
            self._running.loop.close()

    @property
    def _here(self) -> "_Running":
        if self._running is None:
            raise RuntimeError("this handler runs no call: its copies do, see stream.handlers")
        return self._running

    def _turns(self, sample_rate: int) -> TurnTaker:
        """What finds the turns of one call."""
        options = self.algo_options
        if type(self).determine_pause is not ReplyOnPause.determine_pause:
            return DeterminedTurns(self.determine_pause, options, sample_rate)
        meter: SpeechMeter
        if self._activity is None:
            window = options.audio_chunk_duration
            meter = WindowMeter(self.model, self.model_options, sample_rate, window)
            blocking = True
        else:
            meter = FrameMeter(
                self._activity,
                sample_rate,
                options.audio_chunk_duration,
                2 * options.interrupt_after,
                options.speech_threshold,
            )
            blocking = self._activity.blocking
        return Turns(meter, options, sample_rate, self._end_of_turn, blocking=blocking)


class _Running(NamedTuple):
    """A copy's place in its call."""

    call: Call
    loop: CallLoop
    conversation: Conversation


def _models(
    model: PauseDetectionModel | VoiceActivityModel | None, vad: str, options: Any
) -> tuple[VoiceActivityModel | None, PauseDetectionModel]:
    """What finds speech frame by frame, if there is such a thing; and in whole windows."""
    if isinstance(model, PauseDetectionModel):
        return None, model
    activity = voice_activity_model(vad if model is None else model)
    if isinstance(options, SileroVadOptions):
        activity = with_threshold(activity, options.threshold)
    return activity, PauseModel(activity)
