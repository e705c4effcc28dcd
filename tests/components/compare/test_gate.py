import verdict_inputs as inputs

from components.compare.gate import barred_arms, barring, cautions, counted_copies, look_at_sources

CLASSES = ("benign", "malignant")


def looked_at(copies=None, audit=None, gans=None, fidelity=None):
    return look_at_sources(
        copies or inputs.copies(CLASSES),
        audit or inputs.audit(CLASSES),
        gans or inputs.gans(CLASSES),
        inputs.fidelity(CLASSES) if fidelity is None else fidelity,
        0.95,
    )


def test_of_a_sound_source_nothing_is_said():
    sources = looked_at()
    assert sources[0]["judged"]
    assert barring(sources) == cautions(sources) == []
    assert barred_arms(sources, ["real", "gan:20"]) == {}
    assert counted_copies(sources) == "Near-copies of test images: gan 0 of 100 pictures."


def test_copies_that_were_kept_bar_every_arm_of_their_source_and_no_other():
    sources = looked_at(inputs.copies(CLASSES, ("gan",), found=3, kept=1))
    barred = barred_arms(sources, ["real", "gan:20", "traditional+gan:20", "only-gan:20", "other:20", "traditional"])
    assert set(barred) == {"gan:20", "traditional+gan:20", "only-gan:20"}
    assert barring(sources) == [barred["gan:20"]]
    assert barred["gan:20"].startswith("gan holds near-copies of test images: 2 of its 96 pictures")
    assert cautions(sources)[0].startswith("gan: 4 of 100 pictures were near-copies of test images")


def test_copies_that_were_left_out_are_counted_and_bar_nothing():
    sources = looked_at(inputs.copies(CLASSES, found=1))
    assert barring(sources) == []
    assert cautions(sources) == [
        "gan: 2 of 100 pictures were near-copies of test images (benign 1, malignant 1) and were left out."
    ]
    assert counted_copies(sources) == "Near-copies of test images: gan 2 of 100 pictures."


def test_more_copies_than_chance_makes_accuse_who_made_them():
    said = cautions(looked_at(inputs.copies(CLASSES, found=5)))[0]
    assert said.endswith("where chance makes 1.2% at most: whoever made them has probably seen the test set.")
    assert cautions(looked_at(inputs.copies(("benign",), found=1)))[0].endswith("(benign 1) and were left out.")


def near_the_test_set(p_value, share=0.8, others=0):
    audit = inputs.audit(CLASSES)
    audit["memorisation"][1] |= {"share_closer_to_test": share, "test_interval": [0.7, 0.9], "test_p_value": p_value}
    further = [audit["memorisation"][0] | {"generator": f"gan-{n}"} for n in range(1, others + 1)]
    return audit | {"memorisation": audit["memorisation"] + further}


def test_a_source_closer_to_the_test_set_than_chance_allows_is_barred():
    sources = looked_at(audit=near_the_test_set(0.001))
    assert barring(sources)[0].startswith("gan has probably seen the test set: its pictures lie closer to test images")
    assert "(malignant 80.0%, interval 70.0% to 90.0%; 50% is fair)" in barring(sources)[0]
    assert set(barred_arms(sources, ["real", "gan:20"])) == {"gan:20"}


def test_the_more_generators_are_looked_at_the_more_it_takes_to_accuse_one():
    assert not looked_at(audit=near_the_test_set(0.01))[0]["judged"]
    assert looked_at(audit=near_the_test_set(0.01, others=5))[0]["judged"]


def test_a_source_far_from_the_test_set_is_not_accused():
    assert looked_at(audit=near_the_test_set(0.001, share=0.1))[0]["judged"]


def test_a_generator_of_one_picture_has_collapsed_whatever_the_others_draw():
    audit = inputs.audit(CLASSES)
    audit["memorisation"].append(audit["memorisation"][1] | {"generator": "gan-1", "distinct_images": 1})
    copies = inputs.copies(CLASSES)
    copies["generators"].append(copies["generators"][1] | {"generator": "gan-1"})
    said = cautions(looked_at(copies, audit))
    assert said[0].startswith("gan has collapsed: hardly any of its pictures differ (1 of 2 generators of malignant).")


def of_quality(**changed):
    audit = inputs.audit(CLASSES)
    for entry in audit["quality"]:
        entry |= changed
    return audit


def test_pictures_of_which_none_lies_among_real_ones_are_far_off():
    sources = looked_at(audit=of_quality(kid=61.0, density=0.0, coverage=0.0))
    assert cautions(sources)[0].startswith("gan is far off, as far from real images as noise (KID benign 61")
    assert sources[0]["judged"]
    few = looked_at(audit=of_quality(kid=58.0, density=0.1, coverage=0.1))  # among few images
    assert cautions(few)[0].startswith("gan is far off")


def test_a_poor_but_honest_gan_is_graded_not_accused():
    sources = looked_at(audit=of_quality(kid=46.0, density=0.001, coverage=0.002))
    assert cautions(sources) == []
    assert sources[0]["classes"][0]["quality"]["grade"] == "poor"
    grades = [looked_at(audit=of_quality(coverage=share))[0]["classes"][0]["quality"]["grade"] for share in (0.2, 0.4)]
    assert grades == ["fair", "close"]  # of a floor of 0.5


def test_a_gan_of_few_updates_is_hardly_trained():
    gans = inputs.gans(CLASSES)
    gans[1]["updates"] = 5
    assert cautions(looked_at(gans=gans))[0].startswith("gan is hardly trained: 5 updates")


def test_pictures_that_look_like_another_class_are_told():
    entries = inputs.fidelity(CLASSES)
    entries[-1] |= {"taken_for": {"benign": 0.8, "malignant": 0.2}}
    sources = looked_at(fidelity=entries)
    assert sources[0]["judged"]
    [said] = cautions(sources)
    assert said.startswith("gan: pictures look like another class than they are called. Classifiers trained on real")
    assert "take 20.0% of its pictures of malignant for malignant (interval" in said
    assert said.endswith("of real ones 90.0%), most for benign.")
    found = sources[0]["classes"][1]["label_fidelity"]
    assert found["synthetic"]["interval"][0] < 0.2 < found["synthetic"]["interval"][1] < 0.3


def test_pictures_a_little_less_typical_than_real_ones_are_not_told():
    assert cautions(looked_at(fidelity=inputs.fidelity(CLASSES, share=0.6))) == []


def test_a_share_of_few_images_is_not_told_however_small():
    entries = inputs.fidelity(CLASSES)
    entries[-1] |= {"taken_for": {"benign": 0.6, "malignant": 0.4}, "images": 10, "deviation": 0.15}
    assert cautions(looked_at(fidelity=entries)) == []


def test_a_class_without_validation_rows_has_no_share_to_compare_with():
    entries = [one for one in inputs.fidelity(CLASSES, share=0.1) if one["generator"] or one["class"] == "benign"]
    sources = looked_at(fidelity=entries)
    assert sources[0]["classes"][1]["label_fidelity"]["real"] is None
    assert "benign" in cautions(sources)[0]


def test_without_synthetic_images_there_are_no_sources():
    assert looked_at(inputs.copies(())) == []
    assert counted_copies([]) == ""
