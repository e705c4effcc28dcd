import pytest

from components.contracts.arms import Arm, most_synthetic, parse_arm, parse_arms
from components.contracts.errors import InputError

ARMS = [
    ("real", Arm("real")),
    ("real:50%", Arm("real:50%", real_share=0.5)),
    ("traditional", Arm("traditional", traditional=True)),
    ("balanced", Arm("balanced", rare="balanced")),
    ("oversampled", Arm("oversampled", rare="oversampled")),
    ("traditional+oversampled", Arm("traditional+oversampled", traditional=True, rare="oversampled")),
    ("gan:120", Arm("gan:120", "gan", "count", 120)),
    ("gan:50%", Arm("gan:50%", "gan", "share", 0.5)),
    ("gan:balance", Arm("gan:balance", "gan", "balance")),
    ("traditional+gan:480", Arm("traditional+gan:480", "gan", "count", 480, traditional=True)),
    ("only-gan:1000", Arm("only-gan:1000", "gan", "count", 1000, real_share=0.0)),
    ("diffusion:all", Arm("diffusion:all", "diffusion", "all")),
    ("StyleGAN_3:200%", Arm("StyleGAN_3:200%", "StyleGAN_3", "share", 2.0)),
    ("only-diffusion:50%", Arm("only-diffusion:50%", "diffusion", "share", 0.5, real_share=0.0)),
    (" gan:7 ", Arm("gan:7", "gan", "count", 7)),
]


@pytest.mark.parametrize(("text", "arm"), ARMS)
def test_an_arm_is_read_as_it_is_written(text, arm):
    assert parse_arm(text) == arm


@pytest.mark.parametrize(
    "text",
    [
        *("", "gann", "gan:", "gan:0", "gan:-1", "gan:1.5", "real:120", "real:0%", "real:100%", "traditional:50%"),
        *("gan", "gan:all", "only-gan", "only-gan:balance", "traditional+", "traditional+real", "balanced:5", "+gan:5"),
        *("only-real:5", "gan:5%%", "gan:2000000", "di ff:5", "diffusion-x:5", "traditional+only-gan:5", "real+gan:5"),
    ],
)
def test_what_is_not_an_arm_is_refused_by_its_name(text):
    with pytest.raises(InputError, match="^arms: "):
        parse_arm(text)


@pytest.mark.parametrize(
    ("arms", "reason"),
    [(["gan:5"], "'real' is missing"), (["real", "gan:5", "gan:5"], "'gan:5' stands there more than once")],
)
def test_a_run_needs_real_and_each_arm_once(arms, reason):
    with pytest.raises(InputError, match=reason):
        parse_arms(arms)


def test_amounts_are_counted_class_by_class():
    real, there = [301, 40], [1000, 500]
    counts = {text: parse_arm(text).synthetic_counts(real, there) for text, _ in ARMS}
    assert counts["gan:120"] == [120, 120]
    assert counts["gan:50%"] == [150, 20]
    assert counts["gan:balance"] == [0, 261]
    assert counts["diffusion:all"] == [1000, 500]
    assert counts["StyleGAN_3:200%"] == [602, 80]
    assert counts["real"] == counts["balanced"] == [0, 0]


def test_the_most_synthetic_images_is_over_all_arms_of_a_source():
    arms = parse_arms(["real", "gan:120", "gan:50%", "diffusion:900"])
    assert most_synthetic(arms, "gan", [1000, 100], [0, 0]) == [500, 120]
    assert most_synthetic(arms, "diffusion", [1000, 100], [0, 0]) == [900, 900]
    assert most_synthetic(arms, "simulator", [1000, 100], [0, 0]) == [0, 0]
