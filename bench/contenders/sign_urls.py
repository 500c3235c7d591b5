"""headrace signs URLs of S3 for pages of 1,000 files."""

from bench.contenders.job import add_figures, cpu_seconds, measured_job, run
from headrace.storage.objects.s3.sigv4 import Signer, SigningKey

PAGE = 1_000
LIFE_SECONDS = 3_600


def work(urls: int) -> dict[str, int]:
    """Sign so many URLs, a page at a time."""
    signer = Signer(SigningKey("ACCESS", "secret" * 7), "us-east-1")
    names = [f"/headrace/0/organization/lake/{number:032x}.jpg" for number in range(urls)]
    letters = 0
    with measured_job():
        before = cpu_seconds()
        for start in range(0, urls, PAGE):
            sign = signer.page("GET", "http://127.0.0.1:8333", LIFE_SECONDS)
            letters += sum(len(sign(name)) for name in names[start : start + PAGE])
        add_figures(sign_us_each=1e6 * (cpu_seconds() - before) / urls)
    return {"urls": urls, "letters": letters}


run(work)
