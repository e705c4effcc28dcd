import pytest

from components.contracts.arms import Arm, most_synthetic, parse_arm, parse_arms
from components.contracts.errors import InputError


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("real", Arm("real", uses_real=True, traditional=False)),
        ("traditional", Arm("traditional", uses_real=True, traditional=True)),
        ("gan:120", Arm("gan:120", uses_real=True, traditional=False, synthetic=120)),
        ("gan:50%", Arm("gan:50%", uses_real=True, traditional=False, synthetic=None, share=0.5)),
        ("traditional+gan:480", Arm("traditional+gan:480", uses_real=True, traditional=True, synthetic=480)),
        ("only-gan:1000", Arm("only-gan:1000", uses_real=False, traditional=False, synthetic=1000)),
    ],
)
def test_every_recipe_is_read(text, arm):
    assert parse_arm(text) == arm


@pytest.mark.parametrize(
    "text", ["", "Real", "gan", "gan:", "gan:-1", "gan:0", "gan:1.5", "real:3", "only-gan", "gan:9999999"]
)
def test_a_misspelt_arm_is_refused_by_name(text):
    with pytest.raises(InputError, match=r"^arms: "):
        parse_arm(text)


def test_a_share_counts_real_images_of_the_class():
    assert parse_arm("gan:50%").synthetic_count(301) == 150
    assert parse_arm("gan:120").synthetic_count(301) == 120


def test_the_most_synthetic_images_is_over_all_arms():
    assert most_synthetic(parse_arms(["real", "gan:120", "gan:50%"]), 1000) == 500
    assert most_synthetic(parse_arms(["real"]), 1000) == 0
