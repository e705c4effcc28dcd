from pathlib import Path

import pytest

from components.contracts.errors import InputError
from components.plan.parameters import check_parameters
from pipelines.parameters import (
    addresses,
    declared_parameters,
    load_preset,
    load_presets,
    parse_sets,
    parse_settings,
    preset_names,
    resolve,
    split_settings,
)
from pipelines.readme import README, with_table


def test_every_parameter_says_what_it_means():
    assert all(parameter.description.endswith(".") for parameter in declared_parameters().values())


def test_the_readme_holds_the_table_of_parameters_as_the_pipeline_declares_them():
    text = README.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: make readme"


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_holds_parameters_within_their_limits(name):
    check_parameters(resolve(load_preset(name), {}, "somewhere"))


def test_settings_go_over_the_preset_and_the_preset_over_the_defaults():
    values = resolve({"seed": 1, "replicates": 2}, {"seed": 3}, "/images")
    assert (values["seed"], values["replicates"], values["image_size"]) == (3, 2, 32)
    assert values["data_set"] == "/images"


def test_a_later_preset_goes_over_an_earlier_one(tmp_path):
    (tmp_path / "cluster.yaml").write_text('{gpus: "1", gan_epochs: 7}')
    both = load_presets(["demo", str(tmp_path / "cluster.yaml")])
    assert both == load_preset("demo") | {"gpus": "1", "gan_epochs": 7}


def test_paths_are_made_absolute_and_addresses_stay():
    assert resolve({}, {}, "http://host/images")["data_set"] == "http://host/images"
    assert resolve({}, {"table": "g.csv"}, "images")["table"] == str(Path("g.csv").resolve())
    assert resolve({}, {}, "minio://bucket/images")["data_set"] == "minio://bucket/images"


def test_folders_and_tables_of_synthetic_sets_are_made_absolute():
    here, there = {"images": "d", "table": "t.csv", "table_columns": {"label": "dx"}}, "minio://bucket/d"
    given = {"a": "d", "b": [here, there]}
    whole = {
        "images": str(Path("d").resolve()),
        "table": str(Path("t.csv").resolve()),
        "table_columns": {"label": "dx"},
    }
    values = resolve({}, {"synthetic_sets": given}, "/images")
    assert values["synthetic_sets"] == {"a": whole["images"], "b": [whole, there]}
    assert addresses(values) == [
        ("data_set", "/images"),
        ("synthetic_sets: a", whole["images"]),
        ("synthetic_sets: b", whole["images"]),
        ("synthetic_sets: b: table", whole["table"]),
        ("synthetic_sets: b", there),
    ]


def test_options_name_synthetic_sets_with_and_without_tables():
    assert parse_sets(["a=x", "b=my, set,table=t.csv", "a=minio://bucket/y"], [])["synthetic_sets"] == {
        "a": ["x", "minio://bucket/y"],
        "b": {"images": "my, set", "table": "t.csv"},
    }
    for option in ("a", "a=", "a=x,table=", "a=,table=t.csv"):
        with pytest.raises(InputError, match=f"--synthetic {option}: write it as"):
            parse_sets([option], [])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("gan_learning_rate=2e-4", 2e-4),
        ("gan_learning_rate=1", 1.0),
        ("gan_epochs=7", 7),
        ("gan_flips=false", False),
        ("gpus=1", "1"),
        ("arms=real, gan:120,gan:50%", ["real", "gan:120", "gan:50%"]),
        ('arms=["real", "gan:3"]', ["real", "gan:3"]),
        ("node_selector={pool: gpu}", {"pool": "gpu"}),
        ("positive_class=true", "true"),
    ],
)
def test_a_setting_is_read_by_the_type_of_its_parameter(setting, value):
    (read,) = parse_settings([setting]).values()
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("gan_epoch=3", "gan_epoch: there is no such parameter; did you mean gan_epochs?"),
        ('table_columns=["a"]', "table_columns: ['a'] is not a value of type Dict"),
        ("groups=g.csv", "groups: there is no such parameter any more; it is table now"),
        ("zzz=3", "zzz: there is no such parameter; see the table"),
        ("gan_gpus=1", "gan_gpus: there is no such parameter any more; it is gpus now"),
        ("gan_epochs=many", "gan_epochs: 'many' is not a value of type Integer"),
        ("gan_epochs=true", "gan_epochs: True is not a value of type Integer"),
        ("gan_epochs=2.5", "gan_epochs: 2.5 is not a value of type Integer"),
        ("gan_learning_rate=fast", "gan_learning_rate: 'fast' is not a value of type Float"),
        ("gan_epochs", "--set gan_epochs: write it as name=value"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(setting, message):
    with pytest.raises(InputError) as error:
        parse_settings([setting])
    assert str(error.value).startswith(message)


def test_an_unknown_preset_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match="did you mean standard"):
        load_preset("standart")


def test_a_preset_of_ones_own_is_read_from_a_file_and_checked(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("gan_epochs: 3\n")
    assert load_preset(str(path)) == {"gan_epochs": 3}
    path.write_text("gan_epochz: 3\n")
    with pytest.raises(InputError, match="did you mean gan_epochs"):
        load_preset(str(path))


def test_a_run_without_a_data_set_is_refused():
    with pytest.raises(InputError, match="--data FOLDER"):
        resolve({}, {})


@pytest.mark.parametrize("word", ["yes", "1", "0.5"])
def test_a_text_that_yaml_takes_for_something_else_is_to_be_quoted(tmp_path, word):
    preset = tmp_path / "p.yaml"
    preset.write_text(f"positive_class: {word}\n")
    with pytest.raises(InputError, match=r"^positive_class: .* is no text; .* write it between quotes"):
        load_preset(str(preset))
    preset.write_text(f'positive_class: "{word}"\n')
    assert load_preset(str(preset)) == {"positive_class": word}


PRESETS = {
    "1: 2": '1 is read as 1, not as a name; write it in quotes, "1"',
    "no: 2": 'no is read as False, not as a name; write it in quotes, "no"',
    "seed: 1\nseed: 2": "line 2: seed stands there twice",
    "gan_epochs: 1\n\tseed: 2": "line 2: found character",
    "seed: 2020-99-99": "not valid YAML (month must be in 1..12)",
    "a: &a [1]\nb: *a": "line 2: aliases (*name) are not read",
    "a: " + "[" * 5000: "line 1: nested more than 20 deep",
    "a: !!python/object:os.system x": "could not determine a constructor",
    "[1, 2]": "expected one 'parameter: value' a line",
    "arms: real,gan:8": "write it as a list, arms: [a, b]",
    "gpus: 1": 'write it between quotes: gpus: "..."',
    "positive_class: yes": 'write it between quotes: positive_class: "..."',
}


@pytest.mark.parametrize("text", PRESETS, ids=range(len(PRESETS)))
def test_a_preset_that_is_none_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError) as refusal:
        load_preset(str(tmp_path / "mine.yaml"))
    assert PRESETS[text] in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_preset_is_read_in_utf_8_with_or_without_a_byte_order_mark(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xef\xbb\xbfgan_epochs: 1\r\n")
    assert load_preset(str(path)) == {"gan_epochs": 1}
    path.write_bytes("gan_epochs: 1 # für den Test".encode("latin-1"))
    with pytest.raises(InputError, match="not text in UTF-8"):
        load_preset(str(path))
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="there is no preset|not a regular file"):
        load_preset(str(path))


def test_what_kubeflow_would_put_a_value_in_place_of_is_refused():
    for settings in ({"positive_class": "{{$.inputs}}"}, {"node_selector": {"a": "{{$.x}}"}}):
        with pytest.raises(InputError, match=f"{next(iter(settings))}: holds"):
            resolve({}, settings, "images")
    with pytest.raises(InputError, match="data_set: holds"):
        resolve({}, {}, "images/{{$.x}}")


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", []),
        ("seed=1  gan_epochs=2", ["seed=1", "gan_epochs=2"]),
        (
            'node_selector={"my/label": "yes"} seed=1 positive_class=basal cell carcinoma',
            ['node_selector={"my/label": "yes"}', "seed=1", "positive_class=basal cell carcinoma"],
        ),
        ("positive_class=Hodgkin's a=b", ["positive_class=Hodgkin's a=b"]),
    ],
)
def test_several_settings_in_one_text_are_told_apart_by_the_names_of_parameters(text, settings):
    assert split_settings(text) == settings


def test_external_test_sets_are_named_on_the_command_line():
    given = parse_sets(["d=a"], ["hospital_b=minio://x/b", "c=c,table=c.csv"])
    assert given == {
        "synthetic_sets": {"d": "a"},
        "external_test_sets": {"hospital_b": "minio://x/b", "c": {"images": "c", "table": "c.csv"}},
    }
    assert parse_sets([], []) == {}
    for wrong in (["b"], ["b="], ["b=x", "b=y"]):
        with pytest.raises(InputError, match="--external b"):
            parse_sets([], wrong)


def test_external_test_sets_and_their_tables_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"b": "b", "c": {"images": "minio://x/c", "table": "c.csv", "table_columns": {"label": "dx"}}}
    values = resolve({}, {"external_test_sets": given}, "own")
    assert values["external_test_sets"] == {
        "b": str(tmp_path / "b"),
        "c": {"images": "minio://x/c", "table": str(tmp_path / "c.csv"), "table_columns": {"label": "dx"}},
    }
    assert addresses(values)[1:] == [
        ("external_test_sets: b", str(tmp_path / "b")),
        ("external_test_sets: c", "minio://x/c"),
        ("external_test_sets: c: table", str(tmp_path / "c.csv")),
    ]
