import io

from rich.console import Console

from components.contracts.progress import Event
from pipelines.runs.live import LiveView, PlainView

STORY = [
    Event("started", "train_gan", "malignant/0"),
    Event("progress", "train_gan", "malignant/0", 1, 200, "epochs", {"loss_d": "0.53"}),
    Event("progress", "train_gan", "malignant/0", 2, 200, "epochs", {"loss_d": "0.52"}),
    Event("progress", "train_gan", "malignant/0", 200, 200, "epochs", {"loss_d": "0.41"}),
    Event("finished", "train_gan", "malignant/0", seconds=321.0),
    Event("started", "plan", "-"),
    Event("failed", "plan", "-", error="InputError: arms: wrong"),
]


def test_without_a_terminal_there_is_one_plain_line_an_event_and_little_progress():
    out = io.StringIO()
    view = PlainView(Console(file=out, width=40))
    for event in STORY:
        view.show(event)
    assert out.getvalue().splitlines() == [
        "train_gan malignant/0: started",
        "train_gan malignant/0: 200/200 epochs, loss_d 0.41",
        "train_gan malignant/0: finished in 5 min 21 s",
        "plan: started",
        "plan: failed",
    ]


def test_on_a_terminal_a_bar_shows_epochs_losses_and_time_left_at_any_width():
    for width in (50, 80, 160):
        out = io.StringIO()
        with LiveView(Console(file=out, width=width, force_terminal=True, legacy_windows=False)) as view:
            for event in STORY[:3]:
                view.show(event)
        screen = out.getvalue()
        assert "2/200 epochs" in screen
        assert "train_gan malignant/0" in screen
        assert " s left" in screen
        if width > 100:
            assert "loss_d 0.52" in screen


def test_what_deserves_a_look_is_one_line_and_said_once():
    story = [Event("note", "plan", "-", text="2 [b]"), Event("warning", "prepare", "-", text="3 [red]"), *STORY[:3]]
    story += [story[1], Event("warning", "prepare", "-", text="said before")]
    plain, live = io.StringIO(), io.StringIO()
    view = PlainView(Console(file=plain, width=40), {"said before"})
    for event in story:
        view.show(event)
    assert plain.getvalue().splitlines() == ["2 [b]", "warning: 3 [red]", "train_gan malignant/0: started"]
    with LiveView(Console(file=live, width=80, force_terminal=True, legacy_windows=False), {"said before"}) as view:
        for event in story:
            view.show(event)
    assert live.getvalue().count("warning: 3 [red]") == 1
    assert "said before" not in live.getvalue()


def test_time_left_is_judged_by_what_was_done_since_the_first_report(monkeypatch):
    clock = iter([0.0, 0.0, 30.0, 30.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    out = io.StringIO()
    view = PlainView(Console(file=out, width=80))
    view.show(Event("progress", "train_gan", "malignant/0", 100, 200, "epochs"))  # from a checkpoint
    view._shown[("train_gan", "malignant/0")] = 0.0
    view.show(Event("progress", "train_gan", "malignant/0", 110, 200, "epochs"))
    assert out.getvalue() == "train_gan malignant/0: 110/200 epochs, 4 min 30 s left\n"


def test_a_cell_that_failed_and_started_again_is_not_shown_as_failed():
    out = io.StringIO()
    console = Console(file=out, width=160, force_terminal=True, legacy_windows=False)
    cell = ("train_gan", "malignant/0")
    with LiveView(console) as view:
        for event in (Event("started", *cell), Event("failed", *cell, error="x"), Event("started", *cell)):
            view.show(event)
        out.truncate(0)
        view.show(Event("finished", *cell, seconds=3))
    assert "train_gan malignant/0" in out.getvalue()
    assert "failed" not in out.getvalue()
