"""scripts/size --check: figures are exact where compiler and libraries are those of the pages; with others, near."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import size_versions  # noqa: E402

ROW = "| mbedTLS | {} | 90,400 |\n"


def test_the_page_names_versions():
    names = [part.rsplit(" ", 1)[0] for part in size_versions.of_pages().split(", ")]
    assert names == ["GCC", "newlib", "mbedTLS", "lwIP", "cJSON"]
    assert [part.rsplit(" ", 1)[0] for part in size_versions.here().split(", ")] == names


def test_the_same_versions_have_the_same_figures(monkeypatch):
    monkeypatch.setattr(size_versions, "here", size_versions.of_pages)
    assert size_versions.agree(ROW.format(98918), ROW.format(98918), "page")
    assert not size_versions.agree(ROW.format(98918), ROW.format(98919), "page")


def test_other_versions_have_near_ones(monkeypatch, capsys):
    monkeypatch.setattr(size_versions, "here", lambda: "GCC 99")
    assert size_versions.agree(ROW.format(98918), ROW.format(96000), "page")
    assert "page" in capsys.readouterr().out
    assert not size_versions.agree(ROW.format(98918), ROW.format(95000), "page")
    assert not size_versions.agree(ROW.format(98918), ROW.format(103000), "page")


def test_small_figures_move_by_a_few_bytes_and_words_do_not(monkeypatch):
    monkeypatch.setattr(size_versions, "here", lambda: "GCC 99")
    assert size_versions.agree(ROW.format(20), ROW.format(84), "page")
    assert not size_versions.agree(ROW.format(20), ROW.format(85), "page")
    assert not size_versions.agree(ROW.format(20), ROW.format(20).replace("mbedTLS", "lwIP"), "page")
    assert not size_versions.agree("| a | 1 |\n| b | 2 |\n", "| a | 1 |\n", "page")
