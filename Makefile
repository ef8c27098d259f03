# `make demo`, `make test`, `make test-slow`, `make bench`, `make soak`, `make guard-ends`,
# `make large-images` and `make arm-check` make what they need in .venv first; the last, an ARM
# Debian in .arm too.
PYTHON ?= python3

# A sourced ROS has its own rclpy, built against the system's numpy: then both are used, in an
# environment apart. Within numpy's major version, newer releases serve what was built for older.
# One that this Python cannot import would come before that of the wheels, by PYTHONPATH.
RCLPY_IN_PATH := $(wildcard $(addsuffix /rclpy,$(subst :, ,$(PYTHONPATH))))
ifneq ($(AMENT_PREFIX_PATH)$(RCLPY_IN_PATH),)
SOURCED := $(shell $(PYTHON) -c 'import rclpy' 2>/dev/null && echo $${ROS_DISTRO:-ros})
ifeq ($(SOURCED)$(filter clean,$(MAKECMDGOALS)),)
REASON := $(shell $(PYTHON) -c 'import rclpy' 2>&1 | grep -m 1 -E '^[A-Za-z.]+(Error|Exception)')
BUILT_FOR := $(shell echo "$$PYTHONPATH" | grep -oE 'python3\.[0-9]+' | head -n 1)
$(error A ROS is sourced (AMENT_PREFIX_PATH, PYTHONPATH) whose rclpy $(PYTHON) cannot import: $(REASON). \
	Name the Python that it was built for: make $(MAKECMDGOALS) \
	PYTHON=/usr/bin/$(or $(BUILT_FOR),python3); or use a terminal in which no ROS is sourced)
endif
endif
ifneq ($(SOURCED),)
VENV := .venv-$(SOURCED)
VENV_OPTIONS := --system-site-packages
EXTRAS := litert,demo,replay
NUMPY := 'numpy<$(shell $(PYTHON) -c \
	'import numpy; print(int(numpy.__version__.split(".")[0]) + 1)')'
else
VENV := .venv
EXTRAS := ros,litert,demo,replay
endif
# A sourced ROS is found by PYTHONPATH, too.
TOOL := PYTHONPATH="test$${PYTHONPATH:+:$$PYTHONPATH}" $(VENV)/bin/python
PIP := $(VENV)/bin/python -m pip install --disable-pip-version-check --use-pep517

.PHONY: demo test test-slow bench soak guard-ends large-images arm-check clean

demo: $(VENV)/.demo
	@started=$$(date +%s.%N); $(VENV)/bin/python -m fire_detector.demo.main \
		--started $$started $(if $(INPUT),--input "$(INPUT)")

# Three workers on two cores: tests over DDS wait most of the time.
test: $(VENV)/.test
	$(VENV)/bin/python -m pytest -n $(or $(JOBS),3) --dist loadgroup $(TESTS)

# What `make test` runs in a short form: long clips, thousands of messages, minutes of soaking.
test-slow: $(VENV)/.test
	$(VENV)/bin/python -m pytest -m slow $(TESTS)

bench: $(VENV)/.bench
	$(TOOL) -m benchmark.main $(BENCH)

soak: $(VENV)/.bench
	$(TOOL) -m benchmark.soak --minutes $(or $(MINUTES),20)

guard-ends: $(VENV)/.bench
	$(TOOL) -m benchmark.guard_ends --ends $(or $(ENDS),1000)

large-images: $(VENV)/.bench
	$(TOOL) -m benchmark.large_images

arm-check: $(VENV)/.bench
	$(TOOL) -m arm.check

# Not in CI: seven minutes on two idle cores. `MUTANTS='fire_detector.model.*'` runs some of them;
# those that had a result, and whose code is as it was, are not run again without being named.
.PHONY: mutants
mutants: $(VENV)/.mutation
	nice $(VENV)/bin/mutmut run --max-children 3 $(MUTANTS)
	$(VENV)/bin/mutmut export-cicd-stats
	$(VENV)/bin/python test/mutation_score.py

clean:
	rm -rf $(VENV) .arm demo_output mutants

$(VENV)/.demo: setup.py | $(VENV)/bin/python
	$(PIP) -e '.[$(EXTRAS)]' $(NUMPY)
	@touch $@

# Without TensorFlow: a Pi can be measured, too.
$(VENV)/.bench: setup.py | $(VENV)/bin/python
	$(PIP) -e '.[$(EXTRAS),tflite,test]' $(NUMPY)
	@touch $@

$(VENV)/.test: setup.py | $(VENV)/bin/python
	$(PIP) -e '.[$(EXTRAS),tflite,training,test]' $(NUMPY)
	@touch $@

$(VENV)/.mutation: setup.py | $(VENV)/.test
	$(PIP) -e '.[mutation]' $(NUMPY)
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' || { \
		echo "$(PYTHON) is $$($(PYTHON) -V); Python 3.10 to 3.14 is needed:" \
			"make PYTHON=python3.11 ..."; exit 1; }
	@[ -n "$(SOURCED)" ] || [ "$$(uname -sm)" = 'Linux x86_64' ] || { \
		echo "The wheels of ROS 2 are for Linux x86-64 only: source a ROS 2 first."; exit 1; }
	@$(PYTHON) -m venv $(VENV_OPTIONS) $(VENV) || { rm -rf $(VENV); \
		echo "No virtual environment could be made: sudo apt install python3-venv"; exit 1; }
