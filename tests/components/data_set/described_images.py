"""Forty images of two classes, by patient and lesion, and tables about them."""

# 20 images a class, 5 patients a class of 4 images, two lesions of 2 images a patient.
CLASSES = ("benign", "malignant")
IMAGES = [
    (c, f"ISIC_{n}{i:06d}", f"IP_{n}{i // 4}", f"IL_{n}{i // 2}", i) for n, c in enumerate(CLASSES) for i in range(20)
]
PATHS = [f"{c}/{stem}.jpg" for c, stem, *_ in IMAGES]
PATIENTS = [patient for _, _, patient, _, _ in IMAGES]


def table(header: str, cells, separator: str = ",") -> str:
    return "\n".join([header, *(separator.join(map(str, row)) for row in cells)])


WHOLE = {
    "plain": table("image,patient_id", [(f"{c}/{s}.jpg", p) for c, s, p, _, _ in IMAGES]),
    "stem": table("image_name,patient_id,sex", [(s, p, "male") for _, s, p, _, _ in IMAGES]),
    "isic2020": table(
        "image_name,patient_id,lesion_id,sex,age_approx,diagnosis,benign_malignant,target",
        [(s, p, lesion, "male", 45, "unknown", c, 0) for c, s, p, lesion, _ in IMAGES],
    ),
    "isic archive": table(
        "isic_id,attribution,age_approx,lesion_id,patient_id",
        [(s, "x", 50, lesion if i % 2 else "", p) for _, s, p, lesion, i in IMAGES],
    ),
    "nih": table(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age",
        [(f"{s}.jpg", "Effusion|Mass" if i % 2 else "Mass", 0, p, 58) for _, s, p, _, i in IMAGES],
    ),
    "subject": table("filename,age,subject", [(s, 20 + i, p) for _, s, p, _, i in IMAGES]),
    "patientId": table("sex,patientId,image id", [("f", p, s) for _, s, p, _, _ in IMAGES]),
    "half": table("image,patient_id", [(f"{'images/' * (i % 2)}{c}/{s}.jpg", p) for c, s, p, _, i in IMAGES]),
    "case": table("image,patient_id", [(f"{s}.{'JPG' if i % 2 else 'jpg'}", p) for _, s, p, _, i in IMAGES]),
    "otherext": table("image,patient_id", [(f"{s}.{'png' if i % 2 else 'jpg'}", p) for _, s, p, _, i in IMAGES]),
    "windows": table("image,patient_id", [(f"C:\\data\\{c}\\{s}.jpg", p) for c, s, p, _, _ in IMAGES]),
    "index": table(",image,patient_id", [(i, s, p) for _, s, p, _, i in IMAGES]),
    "unnamed": table("Unnamed: 0,image_name,patient_id", [(i, s, p) for _, s, p, _, i in IMAGES]),
    "twice": table("image,patient_id", [(s, p) for _, s, p, _, _ in IMAGES] * 2),
    "formula": table("image;patient_id", [(s, f'="{p}"') for _, s, p, _, _ in IMAGES], ";"),
    "blanks": table(" Image , Patient_ID ", [(f" {s} ", f" {p} ") for _, s, p, _, _ in IMAGES]),
    "trailing": table("image,patient_id,", [(s, p, "") for _, s, p, _, _ in IMAGES]),
}
